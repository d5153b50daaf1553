// Explores every reachable state of a model, breadth first, so that the first trace to a bad state is a
// shortest one.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

namespace pghaul::model {

struct Exploration {
  std::size_t states = 0, steps = 0;
  std::map<std::string_view, std::size_t> taken;  // how often each kind of step was
  std::string violation;                          // empty: none was found
  std::vector<std::string> trace;                 // to the violation
  std::size_t hopeless = 0;                       // states from which unbounded steps reach no goal
  std::vector<std::string> hopeless_trace;        // to the first of them
};

// Model has State, which is compared as bytes, Successors, initial(), successors(), violation(), is_goal(),
// describe(). A step that is `bounded` (a crash, say) may happen, but recovery must not need it.
template <typename Model>
class Explorer {
  using State = typename Model::State;
  using Successors = typename Model::Successors;

 public:
  explicit Explorer(const Model& model) : model_(model) {}

  // Stops at the first violation.
  Exploration run() {
    find(model_.initial(), 0);
    Successors successors;
    for (Index from = 0; from < states_.size(); ++from) {
      if (const char* wrong = model_.violation(states_[from])) return violated(from, wrong);
      successors.clear();
      model_.successors(states_[from], successors);
      for (const auto& successor : successors) follow(from, successor);
    }
    find_hopeless();
    return finish();
  }

 private:
  using Index = std::uint32_t;

  struct Hash {
    const std::deque<State>* states;
    std::size_t operator()(Index i) const {
      return std::hash<std::string_view>()({reinterpret_cast<const char*>(&(*states)[i]), sizeof(State)});
    }
  };
  struct Equal {
    const std::deque<State>* states;
    bool operator()(Index a, Index b) const {
      return std::memcmp(&(*states)[a], &(*states)[b], sizeof(State)) == 0;
    }
  };

  // Index of the state, which is added if it is new.
  Index find(const State& state, Index parent) {
    states_.push_back(state);
    const auto [place, is_new] = known_.insert(static_cast<Index>(states_.size() - 1));
    if (is_new) {
      parents_.push_back(parent);
    } else {
      states_.pop_back();
    }
    return *place;
  }

  template <typename Successor>
  void follow(Index from, const Successor& successor) {
    const Index to = find(successor.state, from);
    if (!successor.step.bounded) steps_back_.emplace_back(to, from);
    ++result_.taken[successor.step.what];
    ++result_.steps;
  }

  // Backward from the goals.
  void find_hopeless() {
    std::sort(steps_back_.begin(), steps_back_.end());
    std::vector<bool> hopeful(states_.size());
    std::vector<Index> open;
    const auto add = [&](Index i) {
      if (!hopeful[i]) open.push_back(i);
      hopeful[i] = true;
    };
    for (Index i = 0; i < states_.size(); ++i) {
      if (model_.is_goal(states_[i])) add(i);
    }
    while (!open.empty()) {
      const Index to = open.back();
      open.pop_back();
      auto step = std::lower_bound(steps_back_.begin(), steps_back_.end(), std::pair<Index, Index>(to, 0));
      for (; step != steps_back_.end() && step->first == to; ++step) add(step->second);
    }
    for (Index i = 0; i < states_.size(); ++i) {
      if (!hopeful[i] && result_.hopeless++ == 0) result_.hopeless_trace = trace_to(i);
    }
  }

  std::vector<std::string> trace_to(Index last) const {
    std::vector<std::string> trace;
    for (Index to = last; to != 0; to = parents_[to]) {
      Successors successors;
      model_.successors(states_[parents_[to]], successors);
      for (const auto& successor : successors) {
        if (std::memcmp(&successor.state, &states_[to], sizeof(State)) != 0) continue;
        trace.insert(trace.begin(), Model::describe(successor.step));
        break;
      }
    }
    return trace;
  }

  Exploration violated(Index at, const char* wrong) {
    result_.violation = wrong;
    result_.trace = trace_to(at);
    return finish();
  }
  Exploration finish() {
    result_.states = states_.size();
    return std::move(result_);
  }

  const Model& model_;
  std::deque<State> states_;
  std::vector<Index> parents_;                       // of each state, in a shortest trace
  std::vector<std::pair<Index, Index>> steps_back_;  // to, from
  std::unordered_set<Index, Hash, Equal> known_{1 << 16, Hash{&states_}, Equal{&states_}};
  Exploration result_;
};

}  // namespace pghaul::model

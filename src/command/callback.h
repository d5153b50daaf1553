// Calls of what a program gave us to be told by.
#pragma once

#include <exception>
#include <string>

#include "pghaul/error.h"

namespace pghaul {

// Whatever `call` throws, as an Error: threads of ours are not made for anything else.
template <typename Call>
void call_back(const char* name, const Call& call) {
  try {
    call();
  } catch (const Error&) {
    throw;
  } catch (const std::exception& error) {
    throw Error(ErrorKind::failed, std::string(name) + ": " + error.what()).on(Side::local);
  } catch (...) {
    throw Error(ErrorKind::failed, std::string(name) + " threw what is no std::exception").on(Side::local);
  }
}

}  // namespace pghaul

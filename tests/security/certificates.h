// Certificates as an administrator, or an impostor, makes them: with openssl, in a folder of their own.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "pg/throwaway_server.h"
#include "support/program.h"

namespace pghaul::test {

// A host name that is not local to anybody who does not look it up, and still leads to this machine:
// 127.0.0.1 in decimal, which the resolver understands.
constexpr auto far_host = "2130706433";

// Owns its folder. Errors: the test has failed.
class Certificates {
 public:
  Certificates() : folder_(testing::TempDir() + "pghaul-tls-XXXXXX") {
    if (::mkdtemp(folder_.data()) == nullptr) ADD_FAILURE() << folder_;
    make_authority("ca");
    make_authority("other_ca");
    make("good", "ca", fmt::format("DNS:db.example,DNS:{},IP:127.0.0.1", far_host));
    make("wrong_name", "ca", "DNS:elsewhere.example");
    make("expired", "ca", fmt::format("DNS:db.example,DNS:{}", far_host), "-1");
    make("unknown_authority", "other_ca", fmt::format("DNS:db.example,DNS:{}", far_host));
    openssl({"req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
             "/CN=db.example", "-days", "2", "-keyout", file("self_signed.key"), "-out",
             file("self_signed.crt")});
  }
  ~Certificates() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  Certificates(const Certificates&) = delete;
  Certificates& operator=(const Certificates&) = delete;

  std::string authority() const { return file("ca.crt"); }

  // The server has to be (re)started afterwards.
  void install(const pg::ThrowawayServer& server, const std::string& name) const {
    struct stat owner{};
    EXPECT_EQ(::stat(server.data_directory().c_str(), &owner), 0);
    for (const char* part : {".crt", ".key"}) {
      const auto installed = server.data_directory() + "/server" + part;
      std::filesystem::copy_file(file(name + part), installed,
                                 std::filesystem::copy_options::overwrite_existing);
      EXPECT_EQ(::chown(installed.c_str(), owner.st_uid, owner.st_gid), 0);
      EXPECT_EQ(::chmod(installed.c_str(), 0600), 0);
    }
    std::ofstream(server.data_directory() + "/postgresql.auto.conf") << "ssl = on\n";
  }

 private:
  std::string file(const std::string& name) const { return folder_ + "/" + name; }

  static void openssl(Arguments arguments) {
    arguments.insert(arguments.begin(), "openssl");
    ProcessOptions options;
    options.argv = std::move(arguments);
    const auto result = run_program(options);
    EXPECT_EQ(result.status, 0) << result;
  }
  void make_authority(const std::string& name) const {
    openssl({"req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
             "/CN=" + name, "-days", "2", "-keyout", file(name + ".key"), "-out", file(name + ".crt")});
  }
  void make(const std::string& name, const std::string& by, const std::string& hosts,
            const std::string& days = "2") const {
    openssl({"req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
             "/CN=" + name, "-keyout", file(name + ".key"), "-out", file(name + ".csr")});
    std::ofstream(file(name + ".ext")) << "subjectAltName=" << hosts << '\n';
    openssl({"x509", "-req", "-in", file(name + ".csr"), "-CA", file(by + ".crt"), "-CAkey",
             file(by + ".key"), "-set_serial", "1", "-days", days, "-extfile", file(name + ".ext"), "-out",
             file(name + ".crt")});
  }

  std::string folder_;
};

}  // namespace pghaul::test

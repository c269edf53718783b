#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace dropline::testing {

struct Reply {
  int status = 0;                              ///< 0: no whole answer came
  std::map<std::string, std::string> headers;  ///< by lower-case name; the last of a name
  std::string body;
};

using RequestHeaders = std::vector<std::pair<std::string, std::string>>;

/// One request on a connection of its own to 127.0.0.1; blocks for the answer. Owes nothing to the
/// server's own HTTP code.
[[nodiscard]] Reply request(std::uint16_t port, std::string_view method, std::string_view target,
                            const RequestHeaders& headers, std::string_view body = {});

/// A port nobody listens on now.
[[nodiscard]] std::uint16_t free_port();

}  // namespace dropline::testing

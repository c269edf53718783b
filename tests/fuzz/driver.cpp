// libFuzzer's entry: the target is the one that DROPLINE_FUZZ names.
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "targets.hpp"

namespace {

const dropline::fuzz::Target& chosen() {
  const char* name = std::getenv("DROPLINE_FUZZ");
  for (const auto& target : dropline::fuzz::targets())
    if (name != nullptr && target.name == name) return target;
  std::fputs("DROPLINE_FUZZ must name a target:", stderr);
  for (const auto& target : dropline::fuzz::targets())
    std::fprintf(stderr, " %.*s", static_cast<int>(target.name.size()), target.name.data());
  std::fputc('\n', stderr);
  std::exit(2);
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  static_cast<void>(chosen());
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto& target = chosen();
  target.read({reinterpret_cast<const char*>(data), size});
  return 0;
}

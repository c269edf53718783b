// A shop alone, by the machine's clock: the gateway is played by tests, and nobody is told.
#include "surroundings.hpp"

namespace dropline::testing {
namespace {

class Nothing final : public Surroundings {
 public:
  [[nodiscard]] const Clock& clock() const override { return clock_; }
  [[nodiscard]] std::vector<std::string> flags() const override { return {}; }
  void shop_opens(const std::filesystem::path& /*data_dir*/, std::uint16_t /*port*/) override {}

 private:
  SystemClock clock_;
};

}  // namespace

Surroundings& surroundings() {
  static Nothing nothing;
  return nothing;
}

}  // namespace dropline::testing

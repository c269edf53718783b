#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "dropline/contracts/signature.hpp"
#include "dropline/worker/loop.hpp"
#include "dropline/worker/service.hpp"

namespace dropline::worker {

/// What is to be done with a record, as far as it alone can tell.
enum class Verdict {
  deliver,
  pass_over,  ///< not for this service, or of a type this version does not know
  bury,       ///< can never be applied; see reason
};

struct Prepared {
  Incoming incoming;
  std::size_t topic = 0;  ///< index into the service's topics
  std::uint64_t fingerprint = 0;
  Verdict verdict = Verdict::deliver;
  std::string_view reason;
  std::string detail;
  /// The source is one of our services and the record is certainly from it, so that what it says
  /// can be recognised when it comes again.
  bool from_service = false;
  Said said;
};

/// Opens envelopes and sorts records. No state but its configuration.
class Intake final {
 public:
  Intake(const ServiceSpec& spec, const contracts::CommandKeys& keys, std::int32_t partitions)
      : spec_(spec), keys_(keys), partitions_(partitions) {}

  [[nodiscard]] Prepared prepare(const stream::Record& record, std::size_t topic) const;

 private:
  void check_origin(Prepared& prepared, const TopicUse& use) const;

  const ServiceSpec& spec_;
  const contracts::CommandKeys& keys_;
  std::int32_t partitions_;
};

}  // namespace dropline::worker

#pragma once

#include <memory>
#include <optional>

#include "common/keys.hpp"
#include "common/process_clock.hpp"
#include "dropline/config/settings.hpp"
#include "dropline/store/database.hpp"
#include "dropline/stream/stream.hpp"

namespace dropline::apps {

/// The shop, for reading: the embedded file while a server runs or none does, or the distributed
/// one where the settings name its database.
struct Source {
  const Clock& clock = process_clock();
  std::unique_ptr<stream::Stream> stream;
  std::optional<store::Session> session;
  std::optional<Keys> keys;  ///< where they are there: what services signed can then be verified
};
[[nodiscard]] Status open(Source& source, const config::Settings& settings);

[[nodiscard]] std::int32_t partitions(const config::Settings& settings);

}  // namespace dropline::apps

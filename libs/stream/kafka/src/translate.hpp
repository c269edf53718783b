#pragma once

#include <librdkafka/rdkafka.h>

#include <string>
#include <string_view>

#include "dropline/stream/errors.hpp"

namespace dropline::stream::kafka {

/// The port's code for one of librdkafka's or the broker's. What has no code of its own is `failed`
/// where trying again cannot help, `timed_out` where it may.
[[nodiscard]] Errc translate(rd_kafka_resp_err_t code) noexcept;

/// "<what>: <reason> (<librdkafka's name of the code>)" under the translated code.
[[nodiscard]] Error translated(rd_kafka_resp_err_t code, std::string_view what,
                               std::string_view reason = {});

/// Names the addresses, what was seen there last, and the cure.
[[nodiscard]] Error unreachable(const std::string& brokers, std::string_view seen);

}  // namespace dropline::stream::kafka

#pragma once

#include <initializer_list>
#include <string_view>

#include "dropline/base/error.hpp"
#include "dropline/config/command_line.hpp"
#include "dropline/config/schema.hpp"
#include "dropline/config/settings.hpp"
#include "dropline/http/server.hpp"
#include "dropline/stream/kafka/kafka_stream.hpp"
#include "dropline/telemetry/log.hpp"

namespace dropline::apps {

inline constexpr const char* kVersion = "0.1.0";

/// Every option of every program, so that one file and one environment serve them all.
[[nodiscard]] config::Schema shared_schema();

/// A program's command line with that schema and the usual places of its file.
[[nodiscard]] config::CommandLine command_line(std::string program, std::string summary);

[[nodiscard]] log::Options log_options(const config::Settings& settings);
[[nodiscard]] http::ServerOptions server_options(const config::Settings& settings);

/// With --dev, everything that these options name must be a loopback address: whoever has the
/// development keys is believed there.
[[nodiscard]] Status check_development(const config::Settings& settings,
                                       std::initializer_list<std::string_view> addresses);

/// Who publishes: an ingress answers its callers in time, a relay never gives up.
enum class Publisher { ingress, relay };
[[nodiscard]] stream::KafkaOptions kafka_options(const config::Settings& settings,
                                                 Publisher publisher, std::string client);

}  // namespace dropline::apps

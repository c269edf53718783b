#pragma once

#include <librdkafka/rdkafka.h>

#include <memory>
#include <string>

#include "dropline/stream/kafka/kafka_stream.hpp"

namespace dropline::stream::kafka {

/// What a handle is for. Names the prefix that properties for it alone carry.
enum class Role { producer, consumer, membership, admin };

[[nodiscard]] std::string_view name_of(Role role) noexcept;

struct ConfDeleter {
  void operator()(rd_kafka_conf_t* conf) const noexcept { rd_kafka_conf_destroy(conf); }
};
using Conf = std::unique_ptr<rd_kafka_conf_t, ConfDeleter>;

/// What a membership needs beside the options.
struct Member {
  std::string group;
  std::string name;
};

/// Our settings for that kind of handle, then those of `options.properties` that concern it.
[[nodiscard]] Result<Conf> make_conf(const KafkaOptions& options, Role role,
                                     const Member* member = nullptr);

/// Whether the options make sense, for every kind of handle.
[[nodiscard]] Status validate(const KafkaOptions& options);

}  // namespace dropline::stream::kafka

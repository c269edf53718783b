#include "health.hpp"

#include <vector>

#include "translate.hpp"

namespace dropline::stream::kafka {
namespace {

/// Bounds the map where names keep changing (a load balancer's addresses).
constexpr std::size_t kMaxFailing = 16;

bool is_of_connection(rd_kafka_resp_err_t code) {
  switch (code) {
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
    case RD_KAFKA_RESP_ERR__SSL:
    case RD_KAFKA_RESP_ERR__TIMED_OUT:
    case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
    case RD_KAFKA_RESP_ERR_UNSUPPORTED_SASL_MECHANISM:
      return true;
    default:
      return translate(code) == Errc::unreachable;
  }
}

/// "sasl_ssl://host:9092/1" and "host:9092/bootstrap" both mean host:9092.
std::string_view address_of(std::string_view broker) {
  if (const auto scheme = broker.find("://"); scheme != std::string_view::npos)
    broker.remove_prefix(scheme + 3);
  return broker.substr(0, broker.find('/'));
}

/// The text of the first `"name":"…"` after `from`; moves `from` behind it.
std::string_view next_field(std::string_view json, std::string_view name, std::size_t& from) {
  const std::string pattern = "\"" + std::string(name) + "\":\"";
  const auto at = json.find(pattern, from);
  if (at == std::string_view::npos) {
    from = std::string_view::npos;
    return {};
  }
  const auto begin = at + pattern.size();
  const auto end = json.find('"', begin);
  from = end;
  return end == std::string_view::npos ? std::string_view{} : json.substr(begin, end - begin);
}

/// Addresses to which a connection stands. The statistics list brokers before topics, each with
/// "nodename" and then "state"; that is all of them that is read here.
std::vector<std::string_view> connected(std::string_view json) {
  std::vector<std::string_view> up;
  json = json.substr(0, json.find("\"topics\":"));
  for (std::size_t at = json.find("\"brokers\":"); at != std::string_view::npos;) {
    const auto node = next_field(json, "nodename", at);
    if (at == std::string_view::npos) break;
    const auto state = next_field(json, "state", at);
    if (state == "UP" || state == "UPDATE") up.push_back(node);
  }
  return up;
}

}  // namespace

void Health::error(rd_kafka_resp_err_t code, std::string_view reason) {
  if (code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) {
    const std::lock_guard lock(mutex_);
    all_down_ = true;
  } else if (is_of_connection(code)) {
    failed(reason);
  } else if (others_) {
    others_(code, reason);
  }
}

void Health::failed(std::string_view reason) {
  const auto end = reason.find(": ");
  if (end == std::string_view::npos) return;
  const std::string address(address_of(reason.substr(0, end)));
  const std::lock_guard lock(mutex_);
  if (failing_.size() >= kMaxFailing && !failing_.contains(address)) return;
  failing_[address] = reason.substr(end + 2);
}

void Health::statistics(std::string_view json) {
  const auto up = connected(json);
  if (up.empty()) return;
  const std::lock_guard lock(mutex_);
  all_down_ = false;
  for (const auto address : up)
    if (const auto found = failing_.find(address); found != failing_.end()) failing_.erase(found);
}

void Health::log(int level, std::string_view facility, std::string_view text) const noexcept {
  if (!log_) return;
  std::string line(facility);
  line += ": ";
  line += text;
  log_(level, line);
}

std::string Health::seen_locked() const {
  std::string text;
  for (const auto& [address, reason] : failing_) {
    if (!text.empty()) text += "; ";
    text += address + ": " + reason;
  }
  return text;
}

std::string Health::seen() const {
  const std::lock_guard lock(mutex_);
  return seen_locked();
}

std::string Health::text() const {
  const std::lock_guard lock(mutex_);
  const std::string seen = seen_locked();
  if (all_down_)
    return "no Kafka broker answers at " + brokers_ + (seen.empty() ? "" : ": ") + seen;
  return seen.empty() ? seen : "Kafka brokers that do not answer: " + seen;
}

}  // namespace dropline::stream::kafka

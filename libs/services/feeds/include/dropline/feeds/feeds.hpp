#pragma once

#include <optional>
#include <string>
#include <vector>

#include "dropline/contracts/orders_events.hpp"

/// What another platform is told, and under which id: pure.
namespace dropline::feeds {

/// The id follows from the order and its step: the platform knows by it what it was told before.
[[nodiscard]] Uuid event_id(const OrderId& order, std::int64_t version, std::string_view type);

/// {"type":"order.paid","id":…,"data":{…the fact, without what is personal…}}
struct Event {
  Uuid id;
  std::string kind;  ///< "order.paid", "order.cancelled", "order.partly_refunded", "order.refunded"
  MemberId member;
  std::string body;
};
[[nodiscard]] Event event_of(contracts::OrderPaid order);
[[nodiscard]] Event event_of(const contracts::OrderCancelled& order);
[[nodiscard]] Event event_of(const contracts::OrderPartlyRefunded& order);
[[nodiscard]] Event event_of(const contracts::OrderRefunded& order);

}  // namespace dropline::feeds

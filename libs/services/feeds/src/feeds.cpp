#include "dropline/feeds/feeds.hpp"

#include <algorithm>

#include "dropline/crypto/sha256.hpp"

namespace dropline::feeds {
namespace {

using namespace contracts;  // NOLINT: the messages are all this file is about

template <class T>
Event event(std::string_view kind, const T& order) {
  Event out;
  out.id = event_id(order.order_id, order.version, kind);
  out.kind = kind;
  out.member = order.member;
  out.body = "{\"type\":\"" + out.kind + "\",\"id\":\"" + out.id.text() + "\",\"timestamp\":\"" +
             rfc3339(order.entry.at) + "\",\"data\":" + encode(order) + '}';
  return out;
}

}  // namespace

Uuid event_id(const OrderId& order, std::int64_t version, std::string_view type) {
  constexpr std::uint8_t kSeparator = 0;
  const auto digest = crypto::Sha256()
                          .update("dropline feed 1")
                          .update(kSeparator)
                          .update(order.uuid().bytes)
                          .update(type)
                          .update(kSeparator)
                          .update(std::to_string(version))
                          .finish();
  Uuid id;
  std::copy_n(digest.begin(), id.bytes.size(), id.bytes.begin());
  id.bytes[6] = static_cast<std::uint8_t>((id.bytes[6] & 0x0F) | 0x80);
  id.bytes[8] = static_cast<std::uint8_t>((id.bytes[8] & 0x3F) | 0x80);
  return id;
}

Event event_of(OrderPaid order) {
  order.delivery.reset();  // Nobody else's business, sealed or not.
  return event("order.paid", order);
}
Event event_of(const OrderCancelled& order) {
  return event("order.cancelled", order);
}
Event event_of(const OrderPartlyRefunded& order) {
  return event("order.partly_refunded", order);
}
Event event_of(const OrderRefunded& order) {
  return event("order.refunded", order);
}

}  // namespace dropline::feeds

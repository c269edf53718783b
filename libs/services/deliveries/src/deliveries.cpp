#include "dropline/deliveries/deliveries.hpp"

#include "dropline/base/ensure.hpp"
#include "dropline/deliveries/carriers.hpp"

namespace dropline::deliveries {
namespace {

using namespace contracts;  // NOLINT: the messages are all this file is about

Delivery* find(Book& book, const DeliveryKey& key) {
  const auto found = book.deliveries.find(key);
  return found == book.deliveries.end() ? nullptr : &found->second;
}

template <class T>
T fact_of(const Delivery& delivery, Timestamp at) {
  T fact;
  fact.order_id = delivery.key.order;
  fact.member = delivery.key.member;
  fact.at = at;
  return fact;
}

DeliveryShipped shipped(const Delivery& delivery) {
  ensure(delivery.shipped.has_value(), "what is shipped knows when");
  auto fact = fact_of<DeliveryShipped>(delivery, delivery.shipped->at);
  fact.carrier = delivery.carrier;
  fact.waybill = delivery.waybill;
  fact.actor = delivery.shipped->actor;
  fact.change = delivery.shipped->change;
  return fact;
}

DeliveryDelivered delivered(const Delivery& delivery) {
  ensure(delivery.delivered.has_value(), "what is delivered knows when");
  auto fact = fact_of<DeliveryDelivered>(delivery, delivery.delivered->at);
  fact.actor = delivery.delivered->actor;
  fact.change = delivery.delivered->change;
  return fact;
}

DeliveryClosed closed(const Delivery& delivery) {
  auto fact = fact_of<DeliveryClosed>(delivery, delivery.at);
  fact.cause = *delivery.cause;
  return fact;
}

/// Who waits for the answer to this command is to find it.
template <class Fact, class Command>
Fact again(Fact fact, const Command& command) {
  fact.change = command.change;
  return fact;
}

template <class Command>
DeliveryChangeRefused refused(const Command& command, DeliveryRefusal reason) {
  DeliveryChangeRefused fact;
  fact.change = command.change;
  fact.order_id = command.order_id;
  fact.member = command.member;
  fact.command = Command::kType;
  fact.reason = reason;
  fact.actor = command.actor;
  return fact;
}

void prepare(Book& book, Delivery& delivery, const OrderPaid& order, Timestamp at) {
  delivery.state = DeliveryState::preparing;
  delivery.paid_version = order.version;
  delivery.closed_version.reset();
  delivery.cause.reset();
  delivery.drop = order.drop;
  delivery.recipient = order.delivery;
  delivery.at = at;
  book.changed.insert(delivery.key);
}

/// What stands against changing a delivery that must be on its way; absent: it is.
std::optional<DeliveryRefusal> not_on_its_way(const Delivery* delivery) {
  if (delivery == nullptr) return DeliveryRefusal::unknown_order;
  switch (delivery->state) {
    case DeliveryState::preparing:
      return DeliveryRefusal::not_shipped;
    case DeliveryState::closed:
      return DeliveryRefusal::closed;
    case DeliveryState::delivered:
      return DeliveryRefusal::already_delivered;
    case DeliveryState::shipped:
      break;
  }
  return std::nullopt;
}

}  // namespace

OpenAnswer open(Book& book, const OrderPaid& order, Timestamp at) {
  const DeliveryKey key{order.order_id, order.member};
  auto* delivery = find(book, key);
  if (delivery == nullptr) {
    delivery = &book.deliveries[key];
    delivery->key = key;
    delivery->opened_at = at;
  } else if (delivery->paid_version >= order.version || delivery->state != DeliveryState::closed) {
    return std::monostate();
  } else if (*delivery->closed_version == 0 || *delivery->closed_version >= order.version) {
    // Closed when this step was known: the record is the later one, the fact the earlier.
    delivery->paid_version = order.version;
    delivery->drop = order.drop;
    delivery->at = at;
    book.changed.insert(key);
    return std::monostate();
  }
  prepare(book, *delivery, order, at);
  return fact_of<DeliveryPreparing>(*delivery, at);
}

CloseAnswer close(Book& book, const CloseDelivery& command, Timestamp at) {
  const DeliveryKey key{command.order_id, command.member};
  auto* delivery = find(book, key);
  if (delivery == nullptr) {
    delivery = &book.deliveries[key];
    delivery->key = key;
    delivery->opened_at = at;
  } else {
    if (delivery->state == DeliveryState::shipped) return shipped(*delivery);
    if (delivery->state == DeliveryState::delivered) return delivered(*delivery);
    if (delivery->state == DeliveryState::closed) {
      // A later close holds against later steps too.
      if (*delivery->closed_version != 0 &&
          (command.order_version == 0 || command.order_version > *delivery->closed_version)) {
        delivery->closed_version = command.order_version;
        book.changed.insert(key);
      }
      return closed(*delivery);
    }
    if (command.order_version != 0 && command.order_version < delivery->paid_version)
      return std::monostate();
  }
  delivery->state = DeliveryState::closed;
  delivery->closed_version = command.order_version;
  delivery->cause = command.cause;
  delivery->recipient.reset();  // Nobody is to be sent anything: nobody needs to know who it was.
  delivery->at = at;
  book.changed.insert(key);
  return closed(*delivery);
}

ShipAnswer ship(Book& book, const ShipDelivery& command, Timestamp at) {
  const auto waybill = waybill_of(command.carrier, command.waybill);
  if (!waybill) return refused(command, DeliveryRefusal::bad_waybill);
  auto* delivery = find(book, {command.order_id, command.member});
  if (delivery != nullptr && delivery->state == DeliveryState::shipped)
    return delivery->carrier == command.carrier && delivery->waybill == *waybill
               ? ShipAnswer(again(shipped(*delivery), command))
               : ShipAnswer(refused(command, DeliveryRefusal::already_shipped));
  const auto refusal = not_on_its_way(delivery);
  if (refusal != DeliveryRefusal::not_shipped) return refused(command, *refusal);
  delivery->state = DeliveryState::shipped;
  delivery->carrier = command.carrier;
  delivery->waybill = *waybill;
  delivery->shipped = Said{command.actor, command.change, at};
  delivery->at = at;
  book.changed.insert(delivery->key);
  return shipped(*delivery);
}

CorrectAnswer correct(Book& book, const CorrectWaybill& command, Timestamp at) {
  const auto waybill = waybill_of(command.carrier, command.waybill);
  if (!waybill) return refused(command, DeliveryRefusal::bad_waybill);
  auto* delivery = find(book, {command.order_id, command.member});
  if (const auto refusal = not_on_its_way(delivery)) return refused(command, *refusal);
  delivery->carrier = command.carrier;
  delivery->waybill = *waybill;
  delivery->at = at;
  book.changed.insert(delivery->key);
  auto fact = fact_of<DeliveryWaybillCorrected>(*delivery, at);
  fact.carrier = delivery->carrier;
  fact.waybill = delivery->waybill;
  fact.actor = command.actor;
  fact.change = command.change;
  fact.reason = command.reason;
  return fact;
}

DeliverAnswer deliver(Book& book, const DeliverDelivery& command, Timestamp at) {
  auto* delivery = find(book, {command.order_id, command.member});
  if (delivery != nullptr && delivery->state == DeliveryState::delivered)
    return again(delivered(*delivery), command);
  if (const auto refusal = not_on_its_way(delivery)) return refused(command, *refusal);
  delivery->state = DeliveryState::delivered;
  delivery->delivered = Said{command.actor, command.change, at};
  delivery->at = at;
  book.changed.insert(delivery->key);
  return delivered(*delivery);
}

}  // namespace dropline::deliveries

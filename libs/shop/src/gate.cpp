#include "dropline/shop/gate.hpp"

#include "dropline/stream/errors.hpp"
#include "dropline/telemetry/log.hpp"

namespace dropline::shop {
namespace {
const log::Logger kLog("gate");
}

Gate::Gate(Parts parts, GateOptions options)
    : parts_(parts),
      options_(std::move(options)),
      source_("ingress/" + options_.name),
      sent_(parts.metrics.counter("dropline_gate_commands_total", "Commands given to the log")),
      failed_(parts.metrics.counter("dropline_gate_failed_total",
                                    "Commands the log certainly did not take")),
      unknown_(parts.metrics.counter("dropline_gate_unknown_total",
                                     "Commands that the log may or may not have taken")) {}

Result<std::unique_ptr<Gate>> Gate::open(Parts parts, GateOptions options) {
  std::unique_ptr<Gate> gate(new Gate(parts, std::move(options)));
  if (auto producer = gate->producer(); !producer) return producer.error();
  return gate;
}

Gate::~Gate() {
  close(std::chrono::milliseconds(0));
}

/// The producer in use; a new one where the last died. The old one is closed outside the lock by
/// whoever lets go of it last, so its deliveries still come.
Result<std::shared_ptr<stream::Producer>> Gate::producer() {
  std::vector<std::shared_ptr<stream::Producer>> over;  // Ended after the lock is released.
  const std::lock_guard guard(producer_lock_);
  if (closed_) return stream::error(stream::Errc::closed, "this ingress is shutting down");
  if (producer_ && !producer_->fatal_error()) return producer_;
  if (producer_) {
    kLog.warn("the producer died and is replaced", {{"error", producer_->fatal_error()->text()}});
    for (auto& old : retired_)
      if (old.use_count() == 1 && old->flush(std::chrono::milliseconds(0)))
        over.push_back(std::move(old));
    std::erase(retired_, nullptr);
    retired_.push_back(std::move(producer_));
  }
  auto made = parts_.stream.producer(
      [this](std::span<const stream::Delivery> deliveries) { on_delivery(deliveries); });
  if (!made) {
    trouble_ = made.error().text();
    return made.error();
  }
  trouble_.clear();
  producer_ = std::move(*made);
  return producer_;
}

Status Gate::place(const contracts::PlaceOrder& order, const crypto::Digest& hash,
                   std::string_view traceparent, Done done) {
  Arrival arrival;
  arrival.order = order.order_id;
  arrival.drop = order.drop;
  arrival.command_hash = hash;
  return publish(
      {contracts::PlaceOrder::kTopic, order.partition_key(), contracts::PlaceOrder::kType,
       order.subject(), order.order_id.text(), contracts::encode(order), false},
      traceparent, arrival, std::move(done));
}

Status Gate::publish(const Command& command, std::string_view traceparent,
                     std::optional<Arrival> arrival, Done done) {
  auto producer = this->producer();
  if (!producer) return producer.error();
  if (in_flight_.fetch_add(1) >= options_.max_in_flight) {
    --in_flight_;
    return stream::error(stream::Errc::queue_full, "too many commands are under way");
  }
  const auto token = next_token_.fetch_add(1);
  const auto id = parts_.random.uuid7(parts_.clock.now()).text();
  contracts::Attributes attributes;
  attributes.id = id;
  attributes.source = source_;
  attributes.type = command.type;
  attributes.subject = command.subject;
  attributes.correlation = command.correlation;
  attributes.traceparent = traceparent;
  attributes.time = parts_.clock.now();
  std::string signature;
  if (command.is_signed) {
    signature = parts_.command_keys.sign(attributes, command.key, command.body);
    attributes.signature = signature;
  }
  const contracts::EnvelopeHeaders headers(attributes);
  const auto topic = contracts::topic_name(options_.topic_prefix, command.topic);
  {
    auto& shelf = shelves_[token % kShelves];
    const std::lock_guard guard(shelf.lock);
    shelf.pending.emplace(token, Pending{std::move(done), arrival});
  }
  auto taken =
      (*producer)->send({topic, command.key, command.body, headers.list(), std::nullopt}, token);
  if (!taken) {
    static_cast<void>(take(token));
    return taken;
  }
  sent_.add();
  return {};
}

std::optional<Gate::Pending> Gate::take(std::uint64_t token) {
  auto& shelf = shelves_[token % kShelves];
  const std::lock_guard guard(shelf.lock);
  auto found = shelf.pending.extract(token);
  if (!found) return std::nullopt;
  --in_flight_;
  return std::move(found.mapped());
}

/// One signature for all orders that the log acknowledged together.
void Gate::on_delivery(std::span<const stream::Delivery> deliveries) {
  std::vector<std::pair<Done, Acknowledgement>> told;
  std::vector<Arrival> arrivals;
  std::vector<std::size_t> ordered;
  const auto now = parts_.clock.now();
  told.reserve(deliveries.size());
  for (const auto& delivery : deliveries) {
    auto pending = take(delivery.token);
    if (!pending) continue;
    if (delivery.outcome == stream::Outcome::failed) failed_.add();
    if (delivery.outcome == stream::Outcome::unknown) unknown_.add();
    if (delivery.outcome == stream::Outcome::acknowledged && pending->arrival) {
      auto arrival = *pending->arrival;
      arrival.partition = delivery.partition;
      arrival.offset = delivery.offset;
      arrival.time = now;
      ordered.push_back(told.size());
      arrivals.push_back(arrival);
    }
    told.emplace_back(std::move(pending->done), Acknowledgement{delivery.outcome, nullptr, 0});
  }
  if (!arrivals.empty()) {
    const auto batch = std::make_shared<const ReceiptBatch>(std::move(arrivals), parts_.receipt_key,
                                                            options_.receipt_key_id);
    for (std::size_t i = 0; i < ordered.size(); ++i) {
      told[ordered[i]].second.batch = batch;
      told[ordered[i]].second.index = i;
    }
  }
  for (auto& [done, acknowledgement] : told)
    done(acknowledgement);
}

void Gate::close(std::chrono::milliseconds limit) {
  std::vector<std::shared_ptr<stream::Producer>> all;
  {
    const std::lock_guard guard(producer_lock_);
    if (closed_) return;
    closed_ = true;
    all = std::move(retired_);
    if (producer_) all.push_back(std::move(producer_));
  }
  for (auto& producer : all)
    producer->close(limit);
}

std::size_t Gate::in_flight() const {
  return in_flight_.load();
}

std::string Gate::health() const {
  const std::lock_guard guard(producer_lock_);
  if (!trouble_.empty()) return trouble_;
  return {};
}

}  // namespace dropline::shop

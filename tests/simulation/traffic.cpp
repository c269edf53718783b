#include "traffic.hpp"

#include <algorithm>

#include "dropline/contracts/body_hash.hpp"
#include "dropline/contracts/order_id.hpp"
#include "dropline/contracts/stock_events.hpp"
#include "dropline/stream/partitioner.hpp"

namespace dropline::simulation {

using namespace contracts;  // NOLINT: messages are all this file is about
using namespace std::chrono_literals;

namespace {

constexpr std::string_view kTopic = topic::kOrdersCommands;
constexpr std::uint64_t kOutsideRarity = 12;

std::unique_ptr<stream::Consumer> reader(stream::MemoryStream& stream, std::string_view topic) {
  auto consumer = stream.consumer().value();
  std::vector<stream::Position> from;
  for (std::int32_t p = 0; p < kPartitions; ++p)
    from.push_back({{std::string(topic), p}, stream::Position::kStart});
  static_cast<void>(consumer->assign(from));
  return consumer;
}

Money won(std::uint64_t amount) {
  return {static_cast<std::int64_t>(amount), Currency::parse("KRW").value()};
}

}  // namespace

// ---- Teller

Teller::Teller(stream::MemoryStream& stream, const CommandKeys& keys, const Clock& clock,
               std::string source)
    : stream_(stream), keys_(keys), clock_(clock), source_(std::move(source)) {}

void Teller::pump() {
  if (answer_ == Answer::taken) {
    waiting_.pop_front();
    ++seq_;
    answer_ = Answer::none;
    said_at_ = {};
  }
  if (answer_ == Answer::lost) {
    producer_.reset();
    answer_ = Answer::none;
  }
  if (answer_ != Answer::none || waiting_.empty()) return;
  if (!producer_)
    producer_ = stream_
                    .producer([this](std::span<const stream::Delivery> deliveries) {
                      for (const auto& delivery : deliveries) {
                        if (delivery.token != token_) continue;
                        const bool in_log = delivery.outcome == stream::Outcome::acknowledged;
                        answer_ = in_log ? Answer::taken : Answer::lost;
                      }
                    })
                    .value();
  if (said_at_ == Timestamp()) said_at_ = clock_.now();
  const auto& message = waiting_.front();
  const auto id = std::to_string(seq_) + "-0";
  auto attributes = message.attributes(source_, id, said_at_);
  const auto signature = keys_.sign(attributes, message.key, *message.body);
  attributes.signature = signature;
  const EnvelopeHeaders headers(attributes);
  ++token_;
  answer_ = Answer::awaited;
  const auto sent = producer_->send(
      {message.topic, message.key, *message.body, headers.list(), std::nullopt}, token_);
  if (!sent) answer_ = Answer::lost;
}

// ---- Traffic

Traffic::Traffic(std::uint64_t seed, const Plan& plan, const Clock& clock,
                 const std::shared_ptr<stream::MemoryLog>& log, const CommandKeys& keys,
                 Coverage& coverage)
    : random_(seed),
      network_(seed ^ 0x5EED),
      plan_(plan),
      clock_(clock),
      keys_(keys),
      coverage_(coverage),
      stream_(log, {.fate =
                        [this](const stream::Draft&) {
                          if (healed_ || !plan_.allows(Mishap::outside_fault) ||
                              network_.below(kOutsideRarity) != 0)
                            return stream::SendFate{};
                          return network_fate(network_, coverage_, "others");
                        }}),
      catalog_(stream_, keys, clock, "catalog/0"),
      ordering_(stream_, keys, clock, "ordering/0"),
      events_(reader(stream_, topic::kStockEvents)),
      commands_(reader(stream_, kTopic)) {
  for (int i = 0; i < 9; ++i)
    members_.push_back(MemberId(random_.uuid4()));
  for (int i = 0; i < 3; ++i)
    drops_.push_back(DropId(random_.uuid4()));
  for (int i = 0; i < 2; ++i)
    products_.push_back(ProductId(random_.uuid4()));
  for (const char* name : {"a", "b", "c"})
    skus_.push_back(Sku::parse(name).value());
  opens_at_ = clock.now() + std::chrono::milliseconds(random_.below(4'000));
  open_shop();
}

OpenDrop Traffic::terms(std::size_t drop) {
  OpenDrop command;
  command.change = new_change();
  command.drop = drops_[drop];
  command.revision = static_cast<std::int64_t>(1 + random_.below(4));
  for (const auto& sku : skus_)
    if (random_.below(4) != 0)
      command.terms.offers.push_back(
          {sku, products_[random_.below(2)], won(random_.below(3) * 1'000),
           static_cast<std::int64_t>(random_.below(9)),
           random_.below(2) == 0 ? std::nullopt
                                 : std::optional(static_cast<std::int64_t>(1 + random_.below(3)))});
  if (command.terms.offers.empty())
    command.terms.offers.push_back({skus_[0], products_[0], won(500), 5, std::nullopt});
  if (random_.below(2) == 0) command.terms.limit_per_member = 3;
  command.terms.opens_at = opens_at_;
  command.terms.closes_at = opens_at_ + 5s + std::chrono::milliseconds(random_.below(40'000));
  command.actor = {ActorKind::admin, "ann"};
  return command;
}

void Traffic::open_shop() {
  for (std::size_t i = 0; i < drops_.size(); ++i)
    catalog_.say(outgoing(terms(i)));
  for (const auto& sku : skus_) {
    auto command = of_offer<PutOffer>();
    command.drop.reset();
    command.product = products_[0];
    command.sku = sku;
    command.units = 8;
    catalog_.say(outgoing(command));
  }
}

void Traffic::pump() {
  stream_.pump();
  catalog_.pump();
  ordering_.pump();
  follow();
}

void Traffic::act() {
  switch (random_.below(16)) {
    case 0:
      return operate();
    case 1:
      return cheat();
    case 2:
      return garbage();
    case 3:
      return copy();
    case 4:
    case 5:
      return order_on();
    case 6:
    case 7:
    case 8:
      return place_again();
    default:
      return place_order();
  }
}

stream::Producer& Traffic::producer() {
  if (producer_ && producer_->fatal_error()) producer_.reset();
  if (!producer_)
    producer_ = stream_
                    .producer([this](std::span<const stream::Delivery> deliveries) {
                      for (const auto& delivery : deliveries)
                        if (delivery.outcome == stream::Outcome::acknowledged && delivery.offset)
                          acknowledged_.emplace_back(delivery.partition, *delivery.offset);
                    })
                    .value();
  return *producer_;
}

void Traffic::send_raw(const stream::Draft& draft) {
  // What was not taken is the shopper's affair: some come again.
  static_cast<void>(producer().send(draft, 0));
}

void Traffic::send(const Outgoing& message, bool sign, std::optional<std::string> key,
                   std::optional<std::int32_t> partition) {
  const auto id = std::to_string(++said_);
  auto attributes = message.attributes("ingress/1", id, clock_.now());
  std::string signature;
  if (sign) {
    signature = keys_.sign(attributes, message.key, *message.body);
    attributes.signature = signature;
  }
  const EnvelopeHeaders headers(attributes);
  send_raw({message.topic, key ? *key : message.key, *message.body, headers.list(), partition});
}

PlaceOrder Traffic::new_order() {
  PlaceOrder order;
  order.member = members_[random_.below(members_.size())];
  if (random_.below(4) != 0) order.drop = drops_[random_.below(drops_.size())];
  const auto lines = 1 + random_.below(2);
  for (std::uint64_t i = 0; i < lines; ++i)
    order.lines.push_back(
        {skus_[random_.below(skus_.size())], static_cast<std::int32_t>(1 + random_.below(2))});
  if (random_.below(8) == 0) order.expected_total = won(1'000);
  order.idempotency_key = "k" + std::to_string(++keys_used_);
  order.order_id = make_order_id(order.member, order.drop, order.idempotency_key);
  if (random_.below(2) == 0) order.body_hash = body_hash(order);
  return order;
}

void Traffic::place_order() {
  placed_.push_back(new_order());
  send(outgoing(placed_.back()));
}

void Traffic::place_again() {
  if (placed_.empty()) return;
  auto order = placed_[random_.below(placed_.size())];
  if (random_.below(3) == 0) {
    order.lines[0].quantity += 1;
    if (order.body_hash) order.body_hash = body_hash(order);
  }
  send(outgoing(order));
}

void Traffic::cheat() {
  auto order = new_order();
  switch (random_.below(6)) {
    case 0:
      if (!placed_.empty()) order.order_id = placed_[random_.below(placed_.size())].order_id;
      return send(outgoing(order));
    case 1:
      order.body_hash = crypto::Digest{};
      return send(outgoing(order));
    case 2:
      return send(outgoing(order), false, members_[0].text());
    case 3:
      return send(outgoing(order), false, {},
                  static_cast<std::int32_t>(random_.below(kPartitions)));
    case 4:
      return send(outgoing(of_offer<Restock>()));
    default:
      return send(outgoing(of_offer<CorrectStock>()), true, drops_[0].text());
  }
}

void Traffic::garbage() {
  const auto key = drops_[random_.below(drops_.size())].text();
  switch (random_.below(6)) {
    case 0:
      return send_raw({kTopic, key, std::nullopt, {}, std::nullopt});
    case 1:
      return send_raw({kTopic, key, "no envelope", {}, std::nullopt});
    case 2:
      return send_raw({kTopic, "", "", {}, std::nullopt});
    case 3: {
      auto message = outgoing(new_order());
      message.type = "DanceOrder";
      return send(message);
    }
    case 4: {
      auto message = outgoing(new_order());
      message.body = std::string(200, '[');
      return send(message);
    }
    default: {
      auto message = outgoing(new_order());
      message.body->resize(message.body->size() / 2);
      return send(message);
    }
  }
}

/// Anybody with a consumer can write again what somebody else wrote, signature and all.
void Traffic::copy() {
  const auto batch = commands_->poll(1 + random_.below(5), 0ms);
  if (!batch || batch->records().empty()) return;
  const auto& record = batch->records()[random_.below(batch->records().size())];
  send_raw({kTopic, record.key.value_or(""), record.value, record.headers, record.partition});
}

template <class Command>
Command Traffic::of_offer() {
  Command command;
  command.change = new_change();
  if (random_.below(5) != 0) command.drop = drops_[random_.below(drops_.size())];
  command.product = products_[random_.below(2)];
  command.sku = skus_[random_.below(skus_.size())];
  command.actor = {ActorKind::admin, "ann"};
  if constexpr (requires { command.units = std::int64_t{1}; })
    command.units = static_cast<std::int64_t>(1 + random_.below(4));
  if constexpr (requires { command.delta; })
    command.delta = random_.below(2) == 0 ? -static_cast<std::int64_t>(1 + random_.below(4)) : 2;
  if constexpr (requires { command.price; }) command.price = won(random_.below(3) * 1'000);
  if constexpr (requires { command.reason; }) command.reason = "because";
  return command;
}

template <class Command>
void Traffic::switch_drop() {
  Command command;
  command.change = new_change();
  command.drop = drops_[random_.below(drops_.size())];
  command.reason = "because";
  command.actor = {ActorKind::admin, "ann"};
  catalog_.say(outgoing(command));
}

void Traffic::operate() {
  switch (random_.below(8)) {
    case 0:
      return catalog_.say(outgoing(terms(random_.below(drops_.size()))));
    case 1:
      return catalog_.say(outgoing(of_offer<CorrectStock>()));
    case 2:
      return switch_drop<PauseDrop>();
    case 3:
      return random_.below(4) == 0 ? switch_drop<EndDrop>() : switch_drop<ResumeDrop>();
    case 4: {
      // From a console that presses twice: signed, but no shard's, so only the change id tells.
      const auto message = outgoing(of_offer<Restock>());
      send(message, true);
      return send(message, true);
    }
    case 5:
      return catalog_.say(outgoing(of_offer<PutOffer>()));
    default:
      switch_drop<ResumeDrop>();
      return catalog_.say(outgoing(of_offer<Restock>()));
  }
}

void Traffic::follow() {
  const auto batch = events_->poll(100, 0ms);
  if (!batch) return;
  for (const auto& record : batch->records()) {
    const auto envelope = parse_envelope(record);
    if (!envelope || envelope->type != StockReserved::kType) continue;
    if (const auto reserved = decode<StockReserved>(*envelope))
      granted_.push_back({reserved->order_id, reserved->member, reserved->drop});
  }
}

template <class Command, class Named>
void Traffic::return_or_settle() {
  if (granted_.empty()) return;
  const auto& first = granted_[random_.below(granted_.size())];
  Command command;
  command.drop = first.drop;
  if (!first.drop) command.member = first.member;
  const auto name = [&command](const Granted& granted, const MemberId& member) {
    if (std::ranges::find(command.orders, granted.order, &Named::order_id) != command.orders.end())
      return;
    Named named;
    named.order_id = granted.order;
    named.member = member;
    command.orders.push_back(named);
  };
  name(first, first.member);
  for (int i = 0; i < 2; ++i) {
    const auto& other = granted_[random_.below(granted_.size())];
    if (first.drop ? random_.below(8) == 0 || other.drop == first.drop
                   : other.member == first.member)
      name(other, other.member);
  }
  ordering_.say(outgoing(command));
}

void Traffic::order_on() {
  if (random_.below(2) == 0) return return_or_settle<ReleaseUnits, ReleasedOrder>();
  return_or_settle<SettleUnits, SettledOrder>();
}

}  // namespace dropline::simulation

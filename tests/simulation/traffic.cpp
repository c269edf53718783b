#include "traffic.hpp"

#include <algorithm>

#include "dropline/contracts/body_hash.hpp"
#include "dropline/contracts/deliveries_commands.hpp"
#include "dropline/contracts/order_id.hpp"
#include "dropline/contracts/stock_events.hpp"
#include "dropline/stream/partitioner.hpp"

namespace dropline::simulation {

using namespace contracts;  // NOLINT: messages are all this file is about
using namespace std::chrono_literals;

namespace {

constexpr std::string_view kTopic = topic::kOrdersCommands;
Money won(std::uint64_t amount) {
  return {static_cast<std::int64_t>(amount), Currency::parse("KRW").value()};
}

}  // namespace

// ---- Teller

Teller::Teller(const CommandKeys& keys, const Clock& clock, std::string source)
    : keys_(keys), clock_(clock), source_(std::move(source)) {}

void Teller::let_go() {
  producer_.reset();
  if (answer_ == Answer::awaited) answer_ = Answer::lost;
}

void Teller::pump(stream::Stream* stream) {
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
  if (answer_ != Answer::none || waiting_.empty() || stream == nullptr) return;
  if (!producer_)
    producer_ = stream
                    ->producer([this](std::span<const stream::Delivery> deliveries) {
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

// ---- Follower

std::optional<stream::Batch> Follower::poll(stream::Stream* stream, std::size_t max) {
  if (stream == nullptr) return std::nullopt;
  if (!consumer_) {
    auto made = stream->consumer();
    if (!made) return std::nullopt;
    consumer_ = std::move(*made);
    std::vector<stream::Position> from;
    for (std::int32_t p = 0; p < kPartitions; ++p)
      from.push_back({{topic_, p}, next_[static_cast<std::size_t>(p)]});
    static_cast<void>(consumer_->assign(from));
  }
  auto batch = consumer_->poll(max, 0ms);
  if (!batch) return std::nullopt;
  for (const auto& record : batch->records())
    next_[static_cast<std::size_t>(record.partition)] = record.offset + 1;
  return std::move(*batch);
}

// ---- Traffic

Traffic::Traffic(Stage& stage)
    : stage_(stage),
      random_(stage.plan.seed * 4 + 3),
      clock_(stage.clock),
      keys_(stage.keys),
      receipt_key_(crypto::SecretKey::generate(random_)),
      promises_{{}, receipt_key_.public_key(), {}},
      catalog_(keys_, clock_, "catalog/0"),
      console_(keys_, clock_, "console/0"),
      cashier_(keys_, clock_, "cashier/0"),
      events_(topic::kStockEvents),
      sales_told_(topic::kOrdersEvents),
      coupons_told_(topic::kCouponsEvents),
      commands_{Follower(kTopic), Follower(topic::kCouponsCommands),
                Follower(topic::kDeliveriesCommands)} {
  for (int i = 0; i < 9; ++i)
    members_.push_back(MemberId(random_.uuid4()));
  for (int i = 0; i < 3; ++i)
    drops_.push_back(DropId(random_.uuid4()));
  for (int i = 0; i < 2; ++i)
    products_.push_back(ProductId(random_.uuid4()));
  for (const char* name : {"a", "b", "c"})
    skus_.push_back(Sku::parse(name).value());
  for (int i = 0; i < 3; ++i)
    campaigns_.push_back(CampaignId(random_.uuid4()));
  opens_at_ = clock_.now() + std::chrono::milliseconds(random_.below(3'000));
  open_shop();
  fill_wallets();
}

void Traffic::let_go(std::size_t line, bool gone) {
  if (line > 0) {
    auto& ingress = ingresses_[line - 1];
    if (ingress.alive) *ingress.alive = false;
    if (gone) ingress.gate.reset();
    return;
  }
  if (!gone) return;
  catalog_.let_go();
  console_.let_go();
  cashier_.let_go();
  raw_.reset();
  events_.let_go();
  sales_told_.let_go();
  coupons_told_.let_go();
  for (auto& commands : commands_)
    commands.let_go();
}

shop::Gate* Traffic::gate(Ingress** whose) {
  const auto number = random_.below(ingresses_.size());
  auto& ingress = ingresses_[number];
  if (whose != nullptr) *whose = &ingress;
  if (ingress.gate) return ingress.gate.get();
  auto* stream = cluster_->line(number + 1);
  if (stream == nullptr) return nullptr;
  shop::GateOptions options;
  options.name = std::to_string(number + 1);
  auto opened =
      shop::Gate::open({*stream, clock_, random_, keys_, receipt_key_, metrics_}, options);
  if (!opened) return nullptr;
  ingress.gate = std::move(*opened);
  ingress.alive = std::make_shared<bool>(true);
  return ingress.gate.get();
}

void Traffic::place(const PlaceOrder& order) {
  Ingress* ingress = nullptr;
  auto* to = gate(&ingress);
  if (to == nullptr) return;
  const auto hash = body_hash(order);
  auto& sent = promises_.orders[{order.order_id, hash}];
  ++sent.tried;
  const auto taken = to->place(
      order, hash, {}, [this, &sent, alive = ingress->alive](const shop::Acknowledgement& answer) {
        if (!*alive) return;
        if (answer.outcome == stream::Outcome::failed) ++sent.failed;
        if (!answer.batch) return;
        JsonWriter writer(promises_.receipts.emplace_back());
        answer.batch->write(writer, answer.index);
      });
  if (!taken) ++sent.failed;
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
           static_cast<std::int64_t>(random_.below(12)),
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
  for (std::size_t i = 0; i < campaigns_.size(); ++i)
    console_.say(outgoing(promise(i)));
}

/// Most come with money, some with hardly any.
void Traffic::fill_wallets() {
  for (const auto& member : members_) {
    if (random_.below(4) == 0) continue;
    const auto amount = won(random_.below(3) == 0 ? 1'500 : 20'000 + random_.below(9) * 777);
    const ChargeWallet charge{ChargeId(random_.uuid4()), member, amount, ChargeMethod::card};
    GatewayAnswered answer;
    answer.call = ChangeId(random_.uuid4());
    answer.member = member;
    answer.charge = charge.charge;
    answer.outcome = GatewayOutcome::captured;
    answer.amount = amount;
    charges_.push_back(charge);
    cashier_.say(outgoing(charge));
    cashier_.say(outgoing(answer));
  }
}

void Traffic::pump() {
  catalog_.pump(cluster_->line(0));
  console_.pump(cluster_->line(0));
  cashier_.pump(cluster_->line(0));
  follow();
  follow_sales();
  follow_coupons();
}

void Traffic::act() {
  switch (random_.below(24)) {
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
    case 6:
      return pay();
    case 7:
      return undo();
    case 8:
    case 9:
    case 10:
      return place_again();
    case 11:
      return rush();
    case 12:
      return random_.below(4) == 0 ? extend() : run_campaigns();
    case 13:
    case 14:
    case 15:
      return send_goods();
    case 16:
      return give_back();
    default:
      return place_order();
  }
}

void Traffic::look_after() {
  switch (random_.below(6)) {
    case 0:
      return place_order();
    case 1:
    case 2:
      return give_back();
    default:
      return send_goods();
  }
}

void Traffic::send_raw(const stream::Draft& draft) {
  if (raw_ && raw_->fatal_error()) raw_.reset();
  auto* stream = cluster_->line(0);
  if (!raw_ && stream != nullptr)
    raw_ = stream->producer([](std::span<const stream::Delivery>) {}).value();
  // What was not taken is the sender's affair: some come again.
  if (raw_) static_cast<void>(raw_->send(draft, 0));
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
  order.member = anybody();
  if (random_.below(4) != 0) order.drop = drops_[random_.below(drops_.size())];
  if (random_.below(40) == 0) order.drop = DropId(random_.uuid4());
  const auto lines = 1 + random_.below(2);
  for (std::uint64_t i = 0; i < lines; ++i)
    order.lines.push_back(
        {skus_[random_.below(skus_.size())], static_cast<std::int32_t>(1 + random_.below(2))});
  if (random_.below(20) == 0) order.lines[0].quantity = kMaxQuantity;
  if (random_.below(20) == 0) order.lines[0].sku = Sku::parse("nobody-has-it").value();
  if (random_.below(8) == 0) order.expected_total = won(1'000);
  if (random_.below(3) != 0) order.coupon = some_coupon(order.member);
  if (random_.below(2) == 0)
    order.delivery = SealedText{"s1.shop.home" + std::to_string(random_.below(9)), {}};
  const auto method = random_.below(8);
  order.payment.method = method == 0   ? PaymentMethod::card
                         : method == 1 ? PaymentMethod::bank
                                       : PaymentMethod::wallet;
  order.idempotency_key = "k" + std::to_string(++keys_used_);
  order.order_id = make_order_id(order.member, order.drop, order.idempotency_key);
  if (random_.below(2) == 0) order.body_hash = body_hash(order);
  return order;
}

void Traffic::place_order() {
  const auto order = new_order();
  // An ingress refuses what the contract does not allow; integrators write it to the topic.
  if (!check_lines(order.lines)) return send(outgoing(order));
  placed_.push_back(order);
  place(order);
}

void Traffic::place_again() {
  if (placed_.empty()) return;
  auto order = placed_[random_.below(placed_.size())];
  if (random_.below(3) == 0) {
    order.lines[0].quantity = 1 + order.lines[0].quantity % 5;
    if (order.body_hash) order.body_hash = body_hash(order);
  }
  place(order);
}

void Traffic::cheat() {
  auto order = new_order();
  switch (random_.below(11)) {
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
    case 5:
      order.lines[0].quantity = 1'000'000;
      return send(outgoing(order));
    case 6: {
      ChargeWallet charge{ChargeId(random_.uuid4()), anybody(), won(9'000), ChargeMethod::card};
      return send(outgoing(charge), random_.below(2) == 0, members_[0].text());
    }
    case 7:
      return send(outgoing(IssueCoupon{campaigns_[0], anybody()}));
    case 8:
      return send(outgoing(IssueCoupon{campaigns_[0], anybody()}), true, members_[0].text());
    case 9: {
      CloseDelivery close;
      close.order_id = order.order_id;
      close.member = order.member;
      close.actor = {ActorKind::member, order.member.text()};
      return send(outgoing(close));
    }
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
  auto& commands = commands_[random_.below(commands_.size())];
  const auto batch = commands.poll(cluster_->line(0), 1 + random_.below(5));
  if (!batch || batch->records().empty()) return;
  const auto& record = batch->records()[random_.below(batch->records().size())];
  send_raw(
      {commands.topic(), record.key.value_or(""), record.value, record.headers, record.partition});
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
      return console_.say(outgoing(of_offer<PutOffer>()));
    default:
      switch_drop<ResumeDrop>();
      return catalog_.say(outgoing(of_offer<Restock>()));
  }
}

/// Members fill their wallets; the gateway says what it took, late, twice, or otherwise.
void Traffic::pay() {
  if (charges_.empty() || random_.below(2) == 0) {
    ChargeWallet charge{ChargeId(random_.uuid4()), anybody(), won(random_.below(20) * 500 + 500),
                        ChargeMethod::card};
    charges_.push_back(charge);
    if (random_.below(12) != 0) ask(charge);
    return;
  }
  const auto& charge = charges_[random_.below(charges_.size())];
  if (random_.below(4) == 0) return ask(charge);
  GatewayAnswered answer;
  answer.call = ChangeId(random_.uuid4());
  answer.member = random_.below(20) == 0 ? anybody() : charge.member;
  answer.charge = charge.charge;
  const auto outcome = random_.below(8);
  answer.outcome = outcome == 0   ? GatewayOutcome::declined
                   : outcome == 1 ? GatewayOutcome::unknown
                                  : GatewayOutcome::captured;
  answer.amount = charge.amount;
  if (random_.below(12) == 0) answer.amount = won(1'500);
  if (random_.below(30) == 0) answer.amount.reset();
  ask(answer);
  if (random_.below(4) == 0) ask(answer);
}

/// Cancellations and refunds, by those who may and those who may not, once and again.
void Traffic::undo() {
  if (!cancels_.empty() && random_.below(3) == 0)
    return ask(cancels_[random_.below(cancels_.size())]);
  OrderId order{random_.uuid4()};
  MemberId member = anybody();
  if (!placed_.empty() && random_.below(10) != 0) {
    const auto& placed = placed_[random_.below(placed_.size())];
    order = placed.order_id;
    if (random_.below(10) != 0) member = placed.member;
  }
  if (!granted_.empty() && random_.below(2) == 0) {
    const auto& granted = granted_[random_.below(granted_.size())];
    order = granted.order;
    member = granted.member;
  }
  if (random_.below(6) == 0) {
    RefundOrder refund;
    refund.refund = RefundId(random_.uuid4());
    refund.order_id = order;
    refund.member = member;
    refund.actor = {ActorKind::member, member.text()};
    return ask(refund);
  }
  CancelOrder cancel;
  cancel.change = new_change();
  cancel.order_id = order;
  cancel.member = member;
  cancel.actor = {ActorKind::member, member.text()};
  cancels_.push_back(cancel);
  if (random_.below(8) == 0) return send(outgoing(cancel));
  ask(cancel);
}

void Traffic::follow() {
  const auto batch = events_.poll(cluster_->line(0), 100);
  if (!batch) return;
  for (const auto& record : batch->records()) {
    const auto envelope = parse_envelope(record);
    if (!envelope || envelope->type != StockReserved::kType) continue;
    if (const auto reserved = decode<StockReserved>(*envelope))
      granted_.push_back({reserved->order_id, reserved->member, reserved->drop});
  }
}

}  // namespace dropline::simulation

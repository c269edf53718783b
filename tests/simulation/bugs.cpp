#include "bugs.hpp"

#include <array>
#include <deque>
#include <optional>

#include "dropline/stock/stock_store.hpp"
#include "dropline/store/table.hpp"
#include "dropline/store/transaction.hpp"

namespace dropline::simulation {
namespace {

using std::chrono::milliseconds;

// ---- a stream that wraps another

/// Passes everything on; a bug overrides what it spoils.
class PassingStream : public stream::Stream {
 public:
  explicit PassingStream(stream::Stream& inner) : inner_(inner) {}
  Result<std::unique_ptr<stream::Producer>> producer(stream::DeliveryHandler handler) override {
    return inner_.producer(std::move(handler));
  }
  Result<std::unique_ptr<stream::Consumer>> consumer() override { return inner_.consumer(); }
  Result<std::unique_ptr<stream::Membership>> join(const std::string& group,
                                                   const std::string& anchor,
                                                   const std::string& member) override {
    return inner_.join(group, anchor, member);
  }
  Result<std::unique_ptr<stream::Admin>> admin(milliseconds limit) override {
    return inner_.admin(limit);
  }

 protected:
  stream::Stream& inner_;
};

class PassingProducer : public stream::Producer {
 public:
  explicit PassingProducer(std::unique_ptr<stream::Producer> inner) : inner_(std::move(inner)) {}
  Status send(const stream::Draft& draft, std::uint64_t token) override {
    return inner_->send(draft, token);
  }
  bool flush(milliseconds limit) override { return inner_->flush(limit); }
  void close(milliseconds limit) override { inner_->close(limit); }
  std::optional<Error> fatal_error() const override { return inner_->fatal_error(); }

 protected:
  std::unique_ptr<stream::Producer> inner_;
};

/// Says that a record is in the log which it never sent.
template <const std::string_view& kTopic, int kOneIn>
class EarlyProducer final : public PassingProducer {
 public:
  EarlyProducer(std::unique_ptr<stream::Producer> inner, stream::DeliveryHandler handler)
      : PassingProducer(std::move(inner)), handler_(std::move(handler)) {}
  Status send(const stream::Draft& draft, std::uint64_t token) override {
    if (draft.topic != kTopic || ++sent_ % kOneIn != 0) return inner_->send(draft, token);
    stream::Delivery delivery;
    delivery.token = token;
    delivery.outcome = stream::Outcome::acknowledged;
    handler_(std::span(&delivery, 1));
    return {};
  }

 private:
  stream::DeliveryHandler handler_;
  int sent_ = 0;
};

/// Takes a lost answer for a good one.
class TrustingStream final : public PassingStream {
 public:
  using PassingStream::PassingStream;
  Result<std::unique_ptr<stream::Producer>> producer(stream::DeliveryHandler handler) override {
    return inner_.producer(
        [handler = std::move(handler)](std::span<const stream::Delivery> deliveries) {
          std::vector<stream::Delivery> told(deliveries.begin(), deliveries.end());
          for (auto& delivery : told)
            if (delivery.outcome == stream::Outcome::unknown)
              delivery.outcome = stream::Outcome::acknowledged;
          handler(told);
        });
  }
};

/// Sends every now and then a record after the one that follows it.
class SwappingProducer final : public PassingProducer {
 public:
  using PassingProducer::PassingProducer;
  Status send(const stream::Draft& draft, std::uint64_t token) override {
    if (!kept_ && draft.topic == contracts::topic::kStockEvents && ++sent_ % 5 == 0) {
      keep(draft, token);
      return {};
    }
    auto sent = inner_->send(draft, token);
    if (kept_ && draft.topic == contracts::topic::kStockEvents) let_go();
    return sent;
  }
  bool flush(milliseconds limit) override {
    let_go();
    return inner_->flush(limit);
  }
  void close(milliseconds limit) override {
    let_go();
    inner_->close(limit);
  }

 private:
  struct Kept {
    std::string topic, key, value;
    std::vector<std::pair<std::string, std::string>> headers;
    std::optional<std::int32_t> partition;
    std::uint64_t token = 0;
  };
  void keep(const stream::Draft& draft, std::uint64_t token) {
    kept_.emplace(Kept{std::string(draft.topic),
                       std::string(draft.key),
                       std::string(draft.value.value_or("")),
                       {},
                       draft.partition,
                       token});
    for (const auto& header : draft.headers)
      kept_->headers.emplace_back(header.name, header.value.value_or(""));
  }
  void let_go() {
    if (!kept_) return;
    const auto kept = std::move(*kept_);
    kept_.reset();
    std::vector<stream::Header> headers;
    for (const auto& [name, value] : kept.headers)
      headers.push_back({name, value});
    static_cast<void>(
        inner_->send({kept.topic, kept.key, kept.value, headers, kept.partition}, kept.token));
  }
  std::optional<Kept> kept_;
  int sent_ = 0;
};

template <class Crooked>
class CrookedProducers final : public PassingStream {
 public:
  using PassingStream::PassingStream;
  Result<std::unique_ptr<stream::Producer>> producer(stream::DeliveryHandler handler) override {
    auto inner = inner_.producer(handler);
    if (!inner) return inner;
    if constexpr (std::constructible_from<Crooked, std::unique_ptr<stream::Producer>,
                                          stream::DeliveryHandler>)
      return std::unique_ptr<stream::Producer>(
          std::make_unique<Crooked>(std::move(*inner), std::move(handler)));
    else
      return std::unique_ptr<stream::Producer>(std::make_unique<Crooked>(std::move(*inner)));
  }
};

/// Loses a record between the log and the loop.
class LeakyConsumer final : public stream::Consumer {
 public:
  explicit LeakyConsumer(std::unique_ptr<stream::Consumer> inner) : inner_(std::move(inner)) {}
  Status assign(std::span<const stream::Position> positions) override {
    return inner_->assign(positions);
  }
  Status unassign(std::span<const stream::TopicPartition> partitions) override {
    return inner_->unassign(partitions);
  }
  Result<stream::Batch> poll(std::size_t max, milliseconds wait) override {
    auto batch = inner_->poll(max, wait);
    if (!batch || batch->records().empty()) return batch;
    std::vector<stream::Record> kept;
    for (const auto& record : batch->records())
      if (++seen_ % 30 != 0) kept.push_back(record);
    std::vector<stream::PartitionError> errors(batch->errors().begin(), batch->errors().end());
    auto owner = std::make_shared<stream::Batch>(std::move(*batch));
    return stream::Batch(std::move(kept), std::move(errors), std::move(owner));
  }
  void wake() override { inner_->wake(); }
  Result<std::vector<stream::Extent>> extents(std::span<const stream::TopicPartition> partitions,
                                              milliseconds limit) override {
    return inner_->extents(partitions, limit);
  }
  std::string health() const override { return inner_->health(); }

 private:
  std::unique_ptr<stream::Consumer> inner_;
  int seen_ = 0;
};

class LeakyStream final : public PassingStream {
 public:
  using PassingStream::PassingStream;
  Result<std::unique_ptr<stream::Consumer>> consumer() override {
    auto inner = inner_.consumer();
    if (!inner) return inner;
    return std::unique_ptr<stream::Consumer>(std::make_unique<LeakyConsumer>(std::move(*inner)));
  }
};

// ---- a service that wraps another

/// Hands everything on to the unit; a bug overrides what it spoils.
class PassingUnit : public worker::Unit {
 public:
  explicit PassingUnit(worker::Unit& inner) : inner_(inner) {}
  store::Session& session() override { return inner_.session(); }
  Timestamp now() const override { return inner_.now(); }
  std::int64_t next_offset(worker::Shard shard, std::string_view topic) const override {
    return inner_.next_offset(shard, topic);
  }
  void emit(worker::Shard from, const worker::Emission& emission,
            const worker::Incoming* cause) override {
    inner_.emit(from, emission, cause);
  }
  void dead_letter(const worker::Incoming& incoming, std::string_view reason,
                   std::string_view detail) override {
    inner_.dead_letter(incoming, reason, detail);
  }

 protected:
  worker::Unit& inner_;
};

class WrongKeyUnit final : public PassingUnit {
 public:
  using PassingUnit::PassingUnit;
  void emit(worker::Shard from, const worker::Emission& emission,
            const worker::Incoming* cause) override {
    auto other = emission;
    if (emission.topic == contracts::topic::kStockEvents && !emission.correlation.empty())
      other.key = emission.correlation;
    PassingUnit::emit(from, other, cause);
  }
};

constexpr std::string_view kUnitsReleased = "UnitsReleased";
constexpr std::string_view kSettleUnits = "SettleUnits";
constexpr std::string_view kClosePayment = "ClosePayment";
constexpr std::string_view kOrderPaid = "OrderPaid";
constexpr std::string_view kOrderCancelled = "OrderCancelled";
constexpr std::string_view kPaymentCaptured = "PaymentCaptured";
constexpr std::string_view kWalletCharged = "WalletCharged";
constexpr std::string_view kPaymentRefunded = "PaymentRefunded";
constexpr std::string_view kCouponRefused = "CouponRefused";
constexpr std::string_view kRedeemCoupon = "RedeemCoupon";
constexpr std::string_view kReleaseCoupon = "ReleaseCoupon";
constexpr std::string_view kPointsAccrued = "PointsAccrued";
constexpr std::string_view kDeliveryClosed = "DeliveryClosed";
constexpr std::string_view kDeliveryDelivered = "DeliveryDelivered";
constexpr std::string_view kOrderPartlyRefunded = "OrderPartlyRefunded";

/// Forgets to say something.
template <const std::string_view& kType>
class SilentUnit final : public PassingUnit {
 public:
  using PassingUnit::PassingUnit;
  void emit(worker::Shard from, const worker::Emission& emission,
            const worker::Incoming* cause) override {
    if (emission.type != kType) PassingUnit::emit(from, emission, cause);
  }
};

/// Says something twice, as two messages.
template <const std::string_view& kType>
class RepeatingUnit final : public PassingUnit {
 public:
  using PassingUnit::PassingUnit;
  void emit(worker::Shard from, const worker::Emission& emission,
            const worker::Incoming* cause) override {
    PassingUnit::emit(from, emission, cause);
    if (emission.type == kType) PassingUnit::emit(from, emission, cause);
  }
};

/// Passes over what should be set aside.
class ForgivingUnit final : public PassingUnit {
 public:
  using PassingUnit::PassingUnit;
  void dead_letter(const worker::Incoming&, std::string_view, std::string_view) override {}
};

class PassingService : public worker::Service {
 public:
  explicit PassingService(std::unique_ptr<worker::Service> inner) : inner_(std::move(inner)) {}
  const worker::ServiceSpec& spec() const override { return inner_->spec(); }
  Status apply(std::span<const worker::Incoming> batch, worker::Unit& unit) override {
    return inner_->apply(batch, unit);
  }
  Status claimed(std::span<const worker::Shard> shards, worker::Unit& unit) override {
    return inner_->claimed(shards, unit);
  }
  Status tick(std::span<const worker::Shard> shards, worker::Unit& unit) override {
    return inner_->tick(shards, unit);
  }
  Status reject(const worker::Incoming& incoming, worker::Unit& unit) override {
    return inner_->reject(incoming, unit);
  }
  bool wants_tick(worker::Shard shard) const override { return inner_->wants_tick(shard); }
  void committed() override { inner_->committed(); }
  void rolled_back() override { inner_->rolled_back(); }
  bool heeds(const worker::Incoming& record) override { return inner_->heeds(record); }

 protected:
  std::unique_ptr<worker::Service> inner_;
};

template <class SpoiltUnit>
class SpeakingService final : public PassingService {
 public:
  using PassingService::PassingService;
  Status apply(std::span<const worker::Incoming> batch, worker::Unit& unit) override {
    SpoiltUnit spoilt(unit);
    return inner_->apply(batch, spoilt);
  }
  Status tick(std::span<const worker::Shard> shards, worker::Unit& unit) override {
    SpoiltUnit spoilt(unit);
    return inner_->tick(shards, spoilt);
  }
};

/// Applies what it applied before once more.
class StutteringService final : public PassingService {
 public:
  using PassingService::PassingService;
  Status apply(std::span<const worker::Incoming> batch, worker::Unit& unit) override {
    auto done = inner_->apply(batch, unit);
    if (!done || ++batches_ % 10 != 0) return done;
    return inner_->apply(batch, unit);
  }

 private:
  int batches_ = 0;
};

/// Judges by the database's clock, where the log's own time of the record is the rule.
class ImpatientService final : public PassingService {
 public:
  using PassingService::PassingService;
  Status apply(std::span<const worker::Incoming> batch, worker::Unit& unit) override {
    std::vector<worker::Incoming> moved(batch.begin(), batch.end());
    for (auto& incoming : moved)
      incoming.record.append_time = unit.now();
    return inner_->apply(moved, unit);
  }
};

/// Judges a batch from its end.
class BackwardService final : public PassingService {
 public:
  using PassingService::PassingService;
  Status apply(std::span<const worker::Incoming> batch, worker::Unit& unit) override {
    const std::vector<worker::Incoming> turned(batch.rbegin(), batch.rend());
    return inner_->apply(turned, unit);
  }
};

// ---- a writer without a fence

/// An owner that loaded its rows, slept, and saves them when others have gone on.
class StaleOwner final : public Sabotage {
 public:
  void turn(store::Session& session) override {
    if (++turn_ % 12 == 1) load(session);
    if (turn_ % 12 == 9) save(session);
  }

 private:
  void load(store::Session& session) {
    auto all = stock::load_shards(session, kShards, Timestamp());
    if (all) book_ = std::move(*all);
  }
  void save(store::Session& session) {
    if (!book_) return;
    for (const auto& [key, offer] : book_->offers)
      book_->offers_changed.insert(key);
    auto transaction = store::Transaction::begin(session);
    if (transaction && stock::save(session, *book_, Timestamp()))
      static_cast<void>(transaction->commit());
    book_.reset();
  }
  static constexpr std::array<std::int32_t, 3> kShards{0, 1, 2};
  std::optional<stock::Book> book_;
  int turn_ = 0;
};

// ---- the list

template <class Wrapped>
std::unique_ptr<stream::Stream> on_stream(stream::Stream& inner) {
  return std::make_unique<Wrapped>(inner);
}
/// Wraps one service and leaves the others as they are.
template <class Wrapped>
auto of(std::string_view name) {
  return [name](std::unique_ptr<worker::Service> inner) -> std::unique_ptr<worker::Service> {
    if (inner->spec().name != name) return inner;
    return std::make_unique<Wrapped>(std::move(inner));
  };
}

constexpr std::string_view kStock = "stock";
constexpr std::string_view kPayments = "payments";
constexpr std::string_view kOrdering = "ordering";
constexpr std::string_view kCoupons = "coupons";
constexpr std::string_view kPoints = "points";
constexpr std::string_view kDeliveries = "deliveries";
constexpr std::string_view kLoop = "loop";
constexpr std::string_view kIngress = "ingress";

/// A trigger that leaves out what `when` says.
std::string ignore(const std::string& event, const std::string& when) {
  return "CREATE TRIGGER planted BEFORE " + event + " WHEN " + when +
         " BEGIN SELECT RAISE(IGNORE); END;";
}

void plant_in_streams(std::vector<Bug>& bugs) {
  const auto add = [&bugs](std::string_view name,
                           std::unique_ptr<stream::Stream> (*wrap)(stream::Stream&)) {
    bugs.push_back({.owner = kLoop, .name = name, .stream = wrap});
  };
  add("acknowledged early",
      on_stream<CrookedProducers<EarlyProducer<contracts::topic::kStockEvents, 40>>>);
  add("a lost answer taken for a good one", on_stream<TrustingStream>);
  add("order of publishing swapped", on_stream<CrookedProducers<SwappingProducer>>);
  add("a record skipped on reading", on_stream<LeakyStream>);
  bugs.push_back(
      {.owner = kIngress,
       .name = "answered before the log has it",
       .line = on_stream<CrookedProducers<EarlyProducer<contracts::topic::kOrdersCommands, 10>>>});
  bugs.push_back({.owner = kIngress,
                  .name = "an unknown outcome told as a good one",
                  .line = on_stream<TrustingStream>});
}

void plant_in_services(std::vector<Bug>& bugs) {
  const auto add = [&bugs](std::string_view owner, std::string_view name, auto wrap) {
    bugs.push_back({.owner = owner, .name = name, .service = wrap});
  };
  add(kLoop, "a batch applied twice", of<StutteringService>(kStock));
  add(kLoop, "a bad record passed over", of<SpeakingService<ForgivingUnit>>(kStock));
  add(kStock, "wrong key", of<SpeakingService<WrongKeyUnit>>(kStock));
  add(kStock, "a release not told", of<SpeakingService<SilentUnit<kUnitsReleased>>>(kStock));
  add(kStock, "judged by the wrong clock", of<ImpatientService>(kStock));
  add(kStock, "judged out of order", of<BackwardService>(kStock));
  add(kPayments, "a capture not told",
      of<SpeakingService<SilentUnit<kPaymentCaptured>>>(kPayments));
  add(kPayments, "a charge told twice",
      of<SpeakingService<RepeatingUnit<kWalletCharged>>>(kPayments));
  add(kPayments, "paid out of order", of<BackwardService>(kPayments));
  add(kPayments, "a refund not told", of<SpeakingService<SilentUnit<kPaymentRefunded>>>(kPayments));
  add(kCoupons, "given out of order", of<BackwardService>(kCoupons));
  add(kCoupons, "a refused wish not told",
      of<SpeakingService<SilentUnit<kCouponRefused>>>(kCoupons));
  add(kCoupons, "issued by the wrong clock", of<ImpatientService>(kCoupons));
  add(kPoints, "points told twice", of<SpeakingService<RepeatingUnit<kPointsAccrued>>>(kPoints));
  add(kDeliveries, "goods kept here and not told",
      of<SpeakingService<SilentUnit<kDeliveryClosed>>>(kDeliveries));
  add(kDeliveries, "an arrival not told",
      of<SpeakingService<SilentUnit<kDeliveryDelivered>>>(kDeliveries));
  add(kOrdering, "a used coupon not redeemed",
      of<SpeakingService<SilentUnit<kRedeemCoupon>>>(kOrdering));
  add(kOrdering, "a coupon not given back",
      of<SpeakingService<SilentUnit<kReleaseCoupon>>>(kOrdering));
  add(kOrdering, "a partial refund told twice",
      of<SpeakingService<RepeatingUnit<kOrderPartlyRefunded>>>(kOrdering));
  add(kOrdering, "paid units not settled",
      of<SpeakingService<SilentUnit<kSettleUnits>>>(kOrdering));
  add(kOrdering, "money never asked to close",
      of<SpeakingService<SilentUnit<kClosePayment>>>(kOrdering));
  add(kOrdering, "a step told twice", of<SpeakingService<RepeatingUnit<kOrderPaid>>>(kOrdering));
  add(kOrdering, "an end not told", of<SpeakingService<SilentUnit<kOrderCancelled>>>(kOrdering));
  bugs.push_back({.owner = kLoop, .name = "fence skipped", .sabotage = [] {
                    return std::make_unique<StaleOwner>();
                  }});
}

void plant_in_tables(std::vector<Bug>& bugs) {
  const auto add = [&bugs](std::string_view owner, std::string_view name, std::string sql) {
    bugs.push_back({.owner = owner, .name = name, .sql = std::move(sql)});
  };
  add(kLoop, "outbox batch lost",
      "CREATE TRIGGER planted AFTER INSERT ON stock_outbox WHEN NEW.seq % 3 = 0 BEGIN "
      "DELETE FROM stock_outbox WHERE shard = NEW.shard AND seq = NEW.seq; END;");
  add(kLoop, "outbox never emptied", ignore("DELETE ON stock_outbox", "OLD.seq % 5 = 0"));
  add(kLoop, "dedupe dropped",
      "CREATE TRIGGER planted AFTER UPDATE OF watermarks ON stock_shards BEGIN "
      "UPDATE stock_shards SET watermarks = '' WHERE shard = NEW.shard; END;");
  add(kStock, "release counted twice",
      "CREATE TRIGGER planted AFTER UPDATE ON stock_offers "
      "WHEN NEW.allocated < OLD.allocated AND NEW.allocated > 0 BEGIN "
      "UPDATE stock_offers SET allocated = allocated - 1, free = free + 1 "
      "WHERE drop_id = NEW.drop_id AND sku = NEW.sku; END;");
  add(kStock, "a release leaves the limit used",
      ignore("UPDATE ON stock_holdings", "NEW.units < OLD.units"));
  add(kStock, "a refusal leaves no row",
      "CREATE TRIGGER planted AFTER INSERT ON stock_orders WHEN NEW.outcome = 'refused' "
      "BEGIN DELETE FROM stock_orders WHERE order_id = NEW.order_id; END;");
  add(kPayments, "a charge credited as often as it is told",
      ignore("INSERT ON payments_charges", "NEW.state = 'captured'"));
  add(kPayments, "money given back is not booked",
      ignore("INSERT ON payments_entries", "NEW.kind = 'close' AND NEW.account = 'wallet'"));
  add(kPayments, "a decline leaves no row",
      ignore("INSERT ON payments_payments", "NEW.declined IS NOT NULL"));
  add(kPayments, "a refund that is not booked",
      ignore("INSERT ON payments_entries", "NEW.kind = 'refund' AND NEW.account = 'wallet'"));
  add(kPayments, "a refund forgotten", ignore("INSERT ON payments_refunds", "NEW.refused IS NULL"));
  add(kCoupons, "a coupon that is not counted",
      "CREATE TRIGGER planted AFTER UPDATE OF issued ON coupons_campaigns "
      "WHEN NEW.issued = 2 AND OLD.issued = 1 BEGIN "
      "UPDATE coupons_campaigns SET issued = 1 WHERE campaign = NEW.campaign; END;");
  add(kCoupons, "a coupon given back stays used",
      ignore("UPDATE ON coupons_coupons", "NEW.state = 'free' AND OLD.state <> 'free'"));
  add(kCoupons, "a coupon used by two orders",
      "CREATE TRIGGER planted AFTER UPDATE ON coupons_coupons WHEN NEW.state = 'reserved' BEGIN "
      "UPDATE coupons_coupons SET state = 'free', order_id = NULL WHERE coupon = NEW.coupon; END;");
  add(kPoints, "points that are not taken back",
      ignore("INSERT ON points_entries", "NEW.kind = 'reversal'"));
  add(kPoints, "a balance that forgets",
      "CREATE TRIGGER planted AFTER UPDATE ON points_balances WHEN NEW.entries = 3 BEGIN "
      "UPDATE points_balances SET balance = balance + 1 WHERE member = NEW.member; END;");
  add(kDeliveries, "kept here, and sent all the same",
      ignore("UPDATE ON deliveries_deliveries", "NEW.state = 'closed'"));
  add(kDeliveries, "a closed delivery keeps its recipient",
      "CREATE TRIGGER planted AFTER UPDATE ON deliveries_deliveries WHEN NEW.state = 'closed' AND "
      "OLD.recipient IS NOT NULL BEGIN UPDATE deliveries_deliveries SET recipient = OLD.recipient "
      "WHERE order_id = NEW.order_id; END;");
  add(kOrdering, "a refused order leaves no row",
      ignore("INSERT ON ordering_orders", "NEW.state = 'rejected'"));
  add(kOrdering, "expiry against payment",
      "CREATE TRIGGER planted AFTER UPDATE ON ordering_orders WHEN NEW.state = 'expired' "
      "BEGIN UPDATE ordering_orders SET state = 'paid' WHERE order_id = NEW.order_id; END;");
}

std::vector<Bug> make_bugs() {
  std::vector<Bug> bugs;
  plant_in_streams(bugs);
  plant_in_services(bugs);
  plant_in_tables(bugs);
  return bugs;
}

}  // namespace

std::span<const Bug> all_bugs() {
  static const std::vector<Bug> bugs = make_bugs();
  return bugs;
}

}  // namespace dropline::simulation

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
class EarlyProducer final : public PassingProducer {
 public:
  EarlyProducer(std::unique_ptr<stream::Producer> inner, stream::DeliveryHandler handler)
      : PassingProducer(std::move(inner)), handler_(std::move(handler)) {}
  Status send(const stream::Draft& draft, std::uint64_t token) override {
    if (draft.topic != contracts::topic::kStockEvents || ++sent_ % 40 != 0)
      return inner_->send(draft, token);
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

 private:
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

/// Forgets to say a release.
class SilentUnit final : public PassingUnit {
 public:
  using PassingUnit::PassingUnit;
  void emit(worker::Shard from, const worker::Emission& emission,
            const worker::Incoming* cause) override {
    if (emission.type != "UnitsReleased") PassingUnit::emit(from, emission, cause);
  }
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
  void rolled_back() override { inner_->rolled_back(); }

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
template <class Wrapped>
std::unique_ptr<worker::Service> on_service(std::unique_ptr<worker::Service> inner) {
  return std::make_unique<Wrapped>(std::move(inner));
}

std::vector<Bug> make_bugs() {
  std::vector<Bug> bugs;
  const auto with_sql = [&bugs](std::string_view name, const char* sql) {
    bugs.push_back({name, sql, {}, {}, {}});
  };
  bugs.push_back(
      {"acknowledged early", nullptr, on_stream<CrookedProducers<EarlyProducer>>, {}, {}});
  bugs.push_back(
      {"a lost answer taken for a good one", nullptr, on_stream<TrustingStream>, {}, {}});
  bugs.push_back({"order of publishing swapped",
                  nullptr,
                  on_stream<CrookedProducers<SwappingProducer>>,
                  {},
                  {}});
  bugs.push_back({"a record skipped on reading", nullptr, on_stream<LeakyStream>, {}, {}});
  bugs.push_back({"wrong key", nullptr, {}, on_service<SpeakingService<WrongKeyUnit>>, {}});
  bugs.push_back({"a release not told", nullptr, {}, on_service<SpeakingService<SilentUnit>>, {}});
  bugs.push_back({"a batch applied twice", nullptr, {}, on_service<StutteringService>, {}});
  bugs.push_back({"judged by the wrong clock", nullptr, {}, on_service<ImpatientService>, {}});
  bugs.push_back({"judged out of order", nullptr, {}, on_service<BackwardService>, {}});
  bugs.push_back({"fence skipped", nullptr, {}, {}, [] { return std::make_unique<StaleOwner>(); }});
  with_sql("outbox batch lost",
           "CREATE TRIGGER planted AFTER INSERT ON stock_outbox WHEN NEW.seq % 3 = 0 BEGIN "
           "DELETE FROM stock_outbox WHERE shard = NEW.shard AND seq = NEW.seq; END;");
  with_sql("outbox never emptied",
           "CREATE TRIGGER planted BEFORE DELETE ON stock_outbox WHEN OLD.seq % 5 = 0 BEGIN "
           "SELECT RAISE(IGNORE); END;");
  with_sql("dedupe dropped",
           "CREATE TRIGGER planted AFTER UPDATE OF watermarks ON stock_shards BEGIN "
           "UPDATE stock_shards SET watermarks = '' WHERE shard = NEW.shard; END;");
  with_sql("release counted twice",
           "CREATE TRIGGER planted AFTER UPDATE ON stock_offers "
           "WHEN NEW.allocated < OLD.allocated AND NEW.allocated > 0 BEGIN "
           "UPDATE stock_offers SET allocated = allocated - 1, free = free + 1 "
           "WHERE drop_id = NEW.drop_id AND sku = NEW.sku; END;");
  with_sql("a release leaves the limit used",
           "CREATE TRIGGER planted BEFORE UPDATE ON stock_holdings WHEN NEW.units < OLD.units "
           "BEGIN SELECT RAISE(IGNORE); END;");
  with_sql("a refusal leaves no row",
           "CREATE TRIGGER planted AFTER INSERT ON stock_orders WHEN NEW.outcome = 'refused' "
           "BEGIN DELETE FROM stock_orders WHERE order_id = NEW.order_id; END;");
  return bugs;
}

}  // namespace

std::span<const Bug> all_bugs() {
  static const std::vector<Bug> bugs = make_bugs();
  return bugs;
}

}  // namespace dropline::simulation

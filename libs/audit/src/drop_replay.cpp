#include "dropline/audit/drop_replay.hpp"

#include <limits>
#include <set>

#include "dropline/contracts/body_hash.hpp"
#include "dropline/contracts/outgoing.hpp"
#include "dropline/contracts/source_marks.hpp"
#include "dropline/stock/stock.hpp"
#include "dropline/store/errors.hpp"
#include "dropline/store/table.hpp"
#include "dropline/stream/partitioner.hpp"
#include "dropline/worker/shard.hpp"
#include "readers.hpp"
#include "topic_reader.hpp"

namespace dropline::audit {
namespace {

using namespace contracts;  // NOLINT: messages are what is replayed
using store::Type;

/// An answer of stock: where it was given, and in its own words.
using Answers = std::map<std::string, std::string>;

template <class Message>
std::string answer_key(const Message& message) {
  std::string key(Message::kType);
  if constexpr (requires { message.order_id; }) key += " order " + message.order_id.text();
  return key + " for " + std::to_string(message.place.partition) + '@' +
         std::to_string(message.place.offset);
}

/// The records of one partition, judged one by one.
class Judging final {
 public:
  Judging(const DropId& drop, const DropOptions& options, const OtherTerms& other)
      : drop_(drop), options_(options), other_(other) {}

  void read(const stream::Record& record) {
    record_ = &record;
    placed_ = {{record.partition, record.offset}, record.append_time};
    ++outcome.records;
    const auto envelope = parse_envelope(record);
    if (!envelope) return;
    static_cast<void>(try_types<PlaceOrder, OpenDrop, PauseDrop, ResumeDrop, EndDrop, Restock,
                                CorrectStock, PutOffer, ReleaseUnits, SettleUnits>(*envelope));
  }

  DropOutcome outcome;
  stock::Book book;
  Answers answers;
  bool opened = false;

 private:
  template <class... Ts>
  bool try_types(const Envelope& envelope) {
    return ((envelope.type == Ts::kType && (take<Ts>(envelope), true)) || ...);
  }
  template <class T>
  void take(const Envelope& envelope) {
    const auto key = record_->key.value_or("");
    if (key != drop_.text()) return;
    if constexpr (Signed<T>) {
      if (options_.keys && !options_.keys->verify(envelope, key)) return;
      if (marks_.said_before(record_->partition, envelope)) return;
    }
    auto message = decode<T>(envelope);
    if (!message || key != message->partition_key()) return;
    if constexpr (std::same_as<T, PlaceOrder>)
      if (!verify_place_order(*message)) return;
    apply(*message);
  }
  template <class Message>
  void answer(const Message& message) {
    if constexpr (!std::same_as<Message, std::monostate>)
      answers.emplace(answer_key(message), encode(message));
  }
  template <class... Ts>
  void answer(const std::variant<Ts...>& any) {
    std::visit([this](const auto& message) { this->answer(message); }, any);
  }

  void apply(const PlaceOrder& order) {
    const auto judgement = stock::judge(book, order, placed_);
    if (const auto* won = std::get_if<StockReserved>(&judgement)) {
      ++outcome.orders;
      Winner winner{won->order_id, won->member, placed_.place.offset, 0};
      for (const auto& line : won->lines) {
        winner.units += line.quantity;
        outcome.granted[line.sku] += line.quantity;
      }
      outcome.winners.push_back(winner);
    } else if (const auto* lost = std::get_if<StockRefused>(&judgement)) {
      ++outcome.orders;
      ++outcome.refused[std::string(to_text(lost->reason))];
    }
    answer(judgement);
  }
  void apply(OpenDrop command) {
    opened = true;
    for (auto& offer : command.terms.offers) {
      if (other_.stock) offer.units = *other_.stock;
      if (const auto own = other_.stock_of.find(offer.sku); own != other_.stock_of.end())
        offer.units = own->second;
    }
    if (other_.limit) {
      command.terms.limit_per_member = other_.limit;
      // A member may have all of that limit of one option, unless the drop said less on purpose.
      for (auto& offer : command.terms.offers)
        offer.limit.reset();
      command.terms.product_limits.reset();
    }
    answer(stock::change(book, command, placed_));
  }
  void apply(const ReleaseUnits& command) {
    for (const auto& released : stock::release(book, command, placed_))
      answer(released);
  }
  void apply(const SettleUnits& command) {
    if (const auto settled = stock::settle(book, command, placed_)) answer(*settled);
  }
  template <class T>
  void apply(const T& command) {
    answer(stock::change(book, command, placed_));
  }

  const DropId& drop_;
  const DropOptions& options_;
  const OtherTerms& other_;
  const stream::Record* record_ = nullptr;
  stock::Placed placed_;
  SourceMarks marks_;
};

Status judge_partition(Judging& judging, stream::Stream& stream, const Clock& clock,
                       const DropId& drop, const DropOptions& options, std::int64_t until) {
  const auto partition = stream::partition_of(drop.text(), options.partitions);
  judging.outcome.partition = partition;
  auto read = read_topic(stream, clock,
                         {topic_name(options.topic_prefix, topic::kOrdersCommands), {partition}},
                         [&](const stream::Record& record) {
                           if (record.offset < until) judging.read(record);
                         });
  if (!read) return read.error();
  if (!judging.opened)
    return contracts::error(Errc::bad_value, "no record of orders.commands/" +
                                                 std::to_string(partition) + " opens drop " +
                                                 drop.text() + ": is it the drop's id?");
  return {};
}

/// Holds stock's own answers against those of the replay.
class Comparing final {
 public:
  Comparing(DropAudit& out, const Judging& judging, const DropId& drop)
      : out_(out), left_(judging.answers), judging_(judging), drop_(drop) {}

  void read(const stream::Record& record) {
    const auto envelope = parse_envelope(record);
    if (!envelope) return;
    static_cast<void>(
        try_types<StockReserved, StockRefused, OrderRepeated, IdempotencyConflict, UnitsReleased,
                  UnitsSettled, DropOpened, DropPaused, DropResumed, DropEnded, OfferPut,
                  StockRestocked, StockCorrected, DropChangeRefused>(record, *envelope));
  }
  void finish() {
    for (const auto& [key, body] : left_)
      blame("drop_untold", key, "the replay says " + body + ", stock told nothing of it");
  }

 private:
  template <class... Ts>
  bool try_types(const stream::Record& record, const Envelope& envelope) {
    return ((envelope.type == Ts::kType && (take<Ts>(record, envelope), true)) || ...);
  }
  template <class T>
  void take(const stream::Record& record, const Envelope& envelope) {
    const auto message = decode<T>(envelope);
    if (!message) return;
    if (message->drop != std::optional<DropId>(drop_)) return;
    const auto key = answer_key(*message);
    const auto where =
        "stock.events/" + std::to_string(record.partition) + '@' + std::to_string(record.offset);
    const auto expected = judging_.answers.find(key);
    if (expected == judging_.answers.end()) {
      if (message->place.offset < static_cast<std::int64_t>(end))
        blame("drop_decision", where,
              std::string(envelope.body) + "; the replay decides nothing such");
      return;
    }
    if (left_.erase(key) == 1) ++out_.compared;
    if (encode(*message) != expected->second)
      blame("drop_decision", where,
            std::string(envelope.body) + "; the replay says " + expected->second);
  }
  void blame(std::string code, std::string where, std::string what) {
    if (out_.findings.size() < kMaxFindings)
      out_.findings.push_back({std::move(code), std::move(where), std::move(what)});
  }

  DropAudit& out_;
  Answers left_;
  const Judging& judging_;
  const DropId& drop_;

 public:
  std::int64_t end = 0;  ///< decisions for records from here on are not known to the replay
};

constexpr store::Statement kOffers{
    "drop offers", "stock",
    "SELECT sku, supplied, allocated, settled, written_off FROM {offers} WHERE drop_id = :drop"};

Status compare_rows(store::Session& session, const Judging& judging, const DropId& drop,
                    DropAudit& out) {
  store::Params params;
  params.add("drop", drop);
  auto rows = store::query(session, kOffers, params,
                           {Type::text, Type::int64, Type::int64, Type::int64, Type::int64});
  if (!rows) return rows.error();
  const auto words = [](std::int64_t supplied, std::int64_t allocated, std::int64_t settled,
                        std::int64_t written_off) {
    return "supplied " + std::to_string(supplied) + ", allocated " + std::to_string(allocated) +
           ", settled " + std::to_string(settled) + ", written off " + std::to_string(written_off);
  };
  std::map<std::string, std::string> expected;
  for (const auto& [key, offer] : judging.book.offers)
    expected[key.sku.text()] =
        words(offer.supplied, offer.allocated, offer.settled, offer.written_off);
  for (const auto row : *rows) {
    const std::string sku(row.text(0));
    const auto is = words(row.int64(1), row.int64(2), row.int64(3), row.int64(4));
    const auto found = expected.find(sku);
    if (found == expected.end() || found->second != is)
      out.findings.push_back(
          {"drop_offer", "stock.offers drop=" + drop.text() + " sku=" + sku,
           is + "; the replay says " + (found == expected.end() ? "nothing" : found->second)});
    if (found != expected.end()) expected.erase(found);
  }
  for (const auto& [sku, words_of] : expected)
    out.findings.push_back({"drop_offer", "stock.offers drop=" + drop.text() + " sku=" + sku,
                            "there is no row; the replay says " + words_of});
  return {};
}

/// How far stock has read the partition.
Result<std::int64_t> judged_up_to(store::Session& session, std::int32_t partition) {
  auto shards = read_shards(session);
  if (!shards) return shards.error();
  const auto row = shards->find({"stock", partition});
  if (row == shards->end()) return std::int64_t{0};
  auto positions = worker::parse_positions(row->second.positions);
  if (!positions) return positions.error();
  const auto at = positions->find(topic::kOrdersCommands);
  return at == positions->end() ? std::int64_t{0} : at->second.next;
}

}  // namespace

Result<DropOutcome> replay_drop(stream::Stream& stream, const Clock& clock, const DropId& drop,
                                const DropOptions& options, const OtherTerms& other) {
  Judging judging(drop, options, other);
  if (auto done = judge_partition(judging, stream, clock, drop, options,
                                  std::numeric_limits<std::int64_t>::max());
      !done)
    return done.error();
  return std::move(judging.outcome);
}

Result<DropAudit> audit_drop(store::Session& session, stream::Stream& stream, const Clock& clock,
                             const DropId& drop, const DropOptions& options) {
  constexpr int kLooks = 5;
  DropAudit out;
  const auto partition = stream::partition_of(drop.text(), options.partitions);
  for (int look = 0; look < kLooks; ++look) {
    out = DropAudit();
    auto until = judged_up_to(session, partition);
    if (!until) return until.error();
    const OtherTerms as_told;
    Judging judging(drop, options, as_told);
    if (auto done = judge_partition(judging, stream, clock, drop, options, *until); !done)
      return done.error();
    if (auto done = compare_rows(session, judging, drop, out); !done) return done.error();
    Comparing comparing(out, judging, drop);
    comparing.end = *until;
    std::vector<std::int32_t> all;
    for (std::int32_t p = 0; p < options.partitions; ++p)
      all.push_back(p);
    auto read =
        read_topic(stream, clock, {topic_name(options.topic_prefix, topic::kStockEvents), all},
                   [&](const stream::Record& record) { comparing.read(record); });
    if (!read) return read.error();
    comparing.finish();
    out.outcome = std::move(judging.outcome);
    auto now = judged_up_to(session, partition);
    if (!now) return now.error();
    // Rows and words of one moment: while the drop goes on, look again.
    if (out.findings.empty() || *now == *until) break;
  }
  return out;
}

}  // namespace dropline::audit

#include "verdict.hpp"

#include <algorithm>
#include <charconv>
#include <set>

#include "dropline/contracts/stock_events.hpp"
#include "dropline/contracts/topics.hpp"
#include "dropline/store/table.hpp"
#include "replay.hpp"
#include "traffic.hpp"

namespace dropline::simulation {

using namespace contracts;  // NOLINT: messages are all this file is about

namespace {

constexpr std::size_t kMaxViolations = 12;  ///< told of one run

std::string text_of(stock::Offer offer) {
  offer.version = 1;
  return encode(stock::level_of(offer)) + " shard " + std::to_string(offer.shard);
}
std::string text_of(stock::Drop drop) {
  drop.version = 1;
  return encode(stock::level_of(drop)) + " shard " + std::to_string(drop.shard);
}
std::string text_of(const stock::Order& order) {
  std::string text =
      order.id.text() + ' ' + order.member.text() + ' ' + std::string(to_text(order.outcome)) +
      ' ' + (order.reason ? std::string(to_text(*order.reason)) : "-") + " first " +
      std::to_string(order.first.partition) + '/' + std::to_string(order.first.offset) + " at " +
      std::to_string(unix_us(order.placed_at)) + " total " + std::to_string(order.total.minor) +
      (order.settled ? " settled" : "");
  for (const auto& line : order.lines)
    text += ' ' + line.sku.text() + '*' + std::to_string(line.quantity) + '=' +
            std::to_string(line.amount.minor);
  for (const auto byte : order.body_hash)
    text += ' ' + std::to_string(byte);
  return text;
}

/// One source's message, its first copy in the log.
struct Said {
  std::string type;
  std::string body;
  std::int32_t partition = 0;
};

class Judge final {
 public:
  Judge(stream::Stream& stream, store::Session& session, const CommandKeys& keys)
      : session_(session),
        commands_(stream, topic::kOrdersCommands),
        events_(stream, topic::kStockEvents),
        levels_(stream, topic::kStockLevels),
        dead_(stream, dead_topic_name("", topic::kOrdersCommands)),
        replay_(commands_, keys) {
    auto book = stock::load(session, replay_.wanted);
    if (book)
      book_ = std::move(*book);
    else
      blame("the tables cannot be read: " + book.error().text());
  }

  Verdict pass(const std::vector<std::pair<std::int32_t, std::int64_t>>& acknowledged) {
    check_dead_letters();
    check_first_copies();
    check_answers();
    check_decisions();
    check_books();
    check_against_replay();
    check_counts();
    check_shards();
    check_levels();
    for (const auto& [partition, offset] : acknowledged) {
      const auto& records = commands_.partition(partition);
      if (offset >= static_cast<std::int64_t>(records.size()))
        blame("an acknowledged record is gone");
    }
    for (const auto* topic : {&commands_, &events_, &levels_, &dead_})
      mix(*topic);
    out_.orders = book_.orders.size();
    return std::move(out_);
  }

 private:
  void blame(std::string what) {
    if (out_.violations.size() < kMaxViolations) out_.violations.push_back(std::move(what));
  }
  void equal(const std::string& is, const std::string& expected, const std::string& what) {
    if (is != expected) blame(what + ":\n    is       " + is + "\n    expected " + expected);
  }
  void equal_number(std::int64_t is, std::int64_t expected, const std::string& what) {
    equal(std::to_string(is), std::to_string(expected), what);
  }

  /// One bad record costs one dead letter, and a good one none.
  void check_dead_letters() {
    std::map<std::pair<std::int32_t, std::int64_t>, std::string> found;
    const auto number = [](std::string_view text) {
      std::int64_t value = -1;
      std::from_chars(text.data(), text.data() + text.size(), value);
      return value;
    };
    for (std::int32_t p = 0; p < kPartitions; ++p)
      for (const auto& record : dead_.partition(p)) {
        const auto from = number(record.header("dropline-partition").value_or(""));
        const auto offset = number(record.header("dropline-offset").value_or(""));
        if (from != p) blame("a dead letter lies in another partition");
        found[{static_cast<std::int32_t>(from), offset}] =
            record.header("dropline-reason").value_or("");
      }
    for (const auto& [place, reason] : replay_.dead)
      equal(found[place], reason,
            "dead letter of " + std::to_string(place.first) + '/' + std::to_string(place.second));
    equal_number(static_cast<std::int64_t>(found.size()),
                 static_cast<std::int64_t>(replay_.dead.size()), "dead letters");
  }

  /// The log may hold a message twice, never a first copy out of order.
  void check_first_copies() {
    for (const auto* topic : {&events_, &levels_})
      for (std::int32_t p = 0; p < kPartitions; ++p) {
        std::map<std::string, Sequence> last;
        for (const auto& record : topic->partition(p))
          note(record, last);
      }
  }
  void note(const stream::Record& record, std::map<std::string, Sequence>& last) {
    const auto envelope = parse_envelope(record);
    if (!envelope || !envelope->sequence() || !envelope->shard())
      return blame("stock wrote a record without a place in what it said");
    const auto id = *envelope->sequence();
    const std::string source(envelope->source);
    Said said{std::string(envelope->type), std::string(envelope->body), record.partition};
    const auto [copy, fresh] = said_[source].try_emplace(id, said);
    if (!fresh) {
      if (copy->second.body != said.body || copy->second.partition != said.partition)
        blame("two messages of " + source + " have the id " + id.text());
      return;
    }
    const auto [before, first] = last.try_emplace(source, id);
    if (!first && id <= before->second)
      blame("first copy of " + source + ' ' + id.text() + " comes after " + before->second.text());
    before->second = std::max(before->second, id);
    const auto& use = *find_topic(record.topic);
    if (!check_partition(use, record.key.value_or(""), record.partition, kPartitions))
      blame("a message of type " + said.type + " lies where its key does not belong");
  }

  /// What stock said of drops is what the rules alone say, in that order.
  void check_answers() {
    for (std::int32_t p = 0; p < kPartitions; ++p) {
      std::vector<std::string> is;
      for (const auto& [id, said] : said_["stock/" + std::to_string(p)])
        if (said.body.find("\"drop\":") != std::string::npos && !said.type.ends_with("Level"))
          is.push_back(said.type + ' ' + said.body);
      const auto& expected = replay_.answers[p];
      const auto [a, b] = std::ranges::mismatch(is, expected);
      if (a != is.end() || b != expected.end())
        blame("answer " + std::to_string(a - is.begin()) + " of shard " + std::to_string(p) +
              ":\n    is       " + (a == is.end() ? "(none)" : *a) + "\n    expected " +
              (b == expected.end() ? "(none)" : *b));
    }
  }

  /// Every accepted order has one row and one decision, and they agree.
  void check_decisions() {
    std::map<OrderId, int> decided;
    for (const auto& [source, ids] : said_)
      for (const auto& [id, said] : ids) {
        Envelope envelope;
        envelope.type = said.type;
        envelope.body = said.body;
        if (said.type == StockReserved::kType) {
          if (const auto told = decode<StockReserved>(envelope)) {
            ++decided[told->order_id];
            ++out_.granted;
            const auto* row = book_.order(told->order_id);
            if (!row || row->outcome == StockOutcome::refused || row->total != told->total ||
                row->first != told->place || row->body_hash != told->body_hash)
              blame("the row of a granted order says something else: " + said.body);
            place_of(said, told->member);
          }
        } else if (said.type == StockRefused::kType) {
          if (const auto told = decode<StockRefused>(envelope)) {
            ++decided[told->order_id];
            const auto* row = book_.order(told->order_id);
            if (!row || row->outcome != StockOutcome::refused || row->reason != told->reason ||
                row->first != told->place)
              blame("the row of a refused order says something else: " + said.body);
            place_of(said, told->member);
          }
        }
      }
    std::set<OrderId> accepted;
    for (const auto& [id, order] : replay_.ordinary)
      accepted.insert(id);
    for (const auto& [id, order] : replay_.book.orders)
      accepted.insert(id);
    for (const auto& id : accepted)
      equal_number(decided[id], 1, "decisions of order " + id.text());
    equal_number(static_cast<std::int64_t>(decided.size()),
                 static_cast<std::int64_t>(accepted.size()), "orders decided");
    for (const auto& [id, order] : replay_.ordinary) {
      const auto* row = book_.order(id);
      if (!row)
        blame("an ordinary order has no row");
      else if (row->first != order.first || row->body_hash != order.body_hash)
        blame("an ordinary order's row is not of its first copy");
    }
  }
  void place_of(const Said& said, const MemberId& member) {
    if (!check_partition(*find_topic(topic::kStockEvents), member.text(), said.partition,
                         kPartitions))
      blame("a decision does not lie with its member");
  }

  /// free + allocated + written off = supplied, and allocated is what unreleased orders hold.
  void check_books() {
    std::map<stock::OfferKey, std::int64_t> allocated;
    std::map<stock::OfferKey, std::int64_t> settled;
    std::map<stock::HoldingKey, std::int64_t> held;
    for (const auto& [id, order] : book_.orders) {
      if (order.outcome != StockOutcome::reserved) continue;
      for (const auto& line : order.lines) {
        allocated[{order.drop, line.sku}] += line.quantity;
        held[{order.drop, order.member, line.sku}] += line.quantity;
        if (order.settled) settled[{order.drop, line.sku}] += line.quantity;
      }
    }
    for (const auto& [key, offer] : book_.offers) {
      equal_number(offer.allocated, allocated[key], "allocated of " + text_of(offer));
      equal_number(offer.settled, settled[key], "settled of " + text_of(offer));
      if (offer.free() < 0 || offer.allocated < 0) blame("oversold: " + text_of(offer));
      allocated.erase(key);
    }
    for (const auto& [key, units] : allocated)
      if (units != 0) blame("units of an offer that is not there are allocated");
    for (const auto& [key, holding] : book_.holdings)
      if (holding.units > held[key] || (key.drop && holding.units != held[key]))
        blame("a member's holding is " + std::to_string(holding.units) + ", the orders say " +
              std::to_string(held[key]));
  }

  void check_against_replay() {
    for (const auto& [id, drop] : replay_.book.drops) {
      const auto* row = book_.drop(id);
      equal(row ? text_of(*row) : "(none)", text_of(drop), "drop");
    }
    for (const auto& [key, offer] : replay_.book.offers) {
      const auto* row = book_.offer(key);
      equal(row ? text_of(*row) : "(none)", text_of(offer), "offer");
    }
    for (const auto& [id, order] : replay_.book.orders) {
      const auto* row = book_.order(id);
      equal(row ? text_of(*row) : "(none)", text_of(order), "order");
    }
    for (const auto& [key, holding] : replay_.book.holdings) {
      const auto row = book_.holdings.find(key);
      equal_number(row == book_.holdings.end() ? -1 : row->second.units, holding.units, "holding");
    }
  }

  /// No table has a row that the log cannot have made.
  void check_counts() {
    const std::set<ChangeId> changes(replay_.wanted.changes.begin(), replay_.wanted.changes.end());
    const std::pair<const char*, std::size_t> tables[] = {
        {"drops", replay_.book.drops.size()},
        {"offers", book_.offers.size()},
        {"orders", replay_.book.orders.size() + replay_.ordinary.size()},
        {"holdings", book_.holdings.size()},
        {"changes", changes.size()},
        {"outbox", 0},
        {"held", 0}};
    for (const auto& [table, expected] : tables) {
      const auto sql = "SELECT count(*) FROM {" + std::string(table) + "}";
      const auto rows = store::query(session_, {"count", "stock", sql}, {}, {store::Type::int64});
      equal_number(rows ? rows->front().int64(0) : -1, static_cast<std::int64_t>(expected),
                   std::string("rows of ") + table);
    }
  }

  void check_shards() {
    const auto rows = store::query(
        session_,
        {"shards", "stock", "SELECT shard, epoch, seq, positions, watermarks FROM {shards}"}, {},
        {store::Type::int64, store::Type::int64, store::Type::int64, store::Type::text,
         store::Type::text});
    if (!rows) return blame("the shards cannot be read: " + rows.error().text());
    equal_number(static_cast<std::int64_t>(rows->size()), kPartitions, "shards");
    for (const auto row : *rows) {
      const auto p = static_cast<std::int32_t>(row.int64(0));
      const auto name = "shard " + std::to_string(p);
      const auto positions = worker::parse_positions(row.text(3));
      const auto& records = commands_.partition(p);
      const auto end = records.empty() ? 0 : records.back().offset + 1;
      const auto at =
          positions ? positions->find(topic::kOrdersCommands) : worker::Positions::const_iterator();
      equal_number(positions && at != positions->end() ? at->second.next : 0, end,
                   name + " has read to");
      equal(std::string(row.text(4)), worker::format_watermarks(replay_.watermarks[p]),
            name + "'s watermarks");
      const auto& said = said_["stock/" + std::to_string(p)];
      if (!said.empty() && said.rbegin()->first.seq > row.int64(2))
        blame(name + " said more than its row knows of");
      mix(std::string(row.text(3)) + std::string(row.text(4)) + std::to_string(row.int64(1)) + ' ' +
          std::to_string(row.int64(2)));
    }
  }

  /// Whoever keeps the highest version of each key has what the rows say.
  void check_levels() {
    std::map<std::string, std::pair<std::int64_t, std::string>> newest;
    std::map<std::string, std::int64_t> last;
    const auto level = [&](const std::string& key, std::int64_t version, std::string_view body) {
      last[key] = version;
      auto& top = newest[key];
      if (version == top.first && body != top.second)
        blame("two levels of " + key + " have version " + std::to_string(version));
      if (version > top.first) top = {version, std::string(body)};
    };
    for (std::int32_t p = 0; p < kPartitions; ++p)
      for (const auto& record : levels_.partition(p)) {
        const auto envelope = parse_envelope(record);
        if (!envelope) continue;
        const std::string key(record.key.value_or(""));
        if (const auto offer = decode<OfferLevel>(*envelope);
            offer && envelope->type == OfferLevel::kType)
          level(key, offer->version, envelope->body);
        else if (const auto drop = decode<DropLevel>(*envelope);
                 drop && envelope->type == DropLevel::kType)
          level(key, drop->version, envelope->body);
      }
    const auto compare = [&](const auto& row) {
      const auto shown = stock::level_of(row);
      const auto key = shown.partition_key();
      equal(newest[key].second, encode(shown), "level of " + key);
      if (last[key] != newest[key].first) ++out_.stale_levels;
      mix(encode(shown));
    };
    for (const auto& [id, drop] : book_.drops)
      compare(drop);
    for (const auto& [key, offer] : book_.offers)
      compare(offer);
    for (const auto& [id, order] : book_.orders)
      mix(text_of(order));
  }

  void mix(std::string_view bytes) {
    for (const char c : bytes)
      out_.hash = (out_.hash ^ static_cast<std::uint8_t>(c)) * 0x100000001B3ULL;
    out_.hash = (out_.hash ^ 0xFF) * 0x100000001B3ULL;
  }
  void mix(const TopicCopy& topic) {
    for (std::int32_t p = 0; p < kPartitions; ++p)
      for (const auto& record : topic.partition(p)) {
        mix(std::to_string(p) + ' ' + std::to_string(record.offset) + ' ' +
            std::to_string(unix_us(record.append_time)));
        mix(record.key.value_or("(null)"));
        mix(record.value.value_or("(null)"));
        for (const auto& header : record.headers) {
          mix(header.name);
          mix(header.value.value_or("(null)"));
        }
        if (record.topic == topic::kOrdersCommands) ++out_.commands;
      }
  }

  store::Session& session_;
  TopicCopy commands_;
  TopicCopy events_;
  TopicCopy levels_;
  TopicCopy dead_;
  Replay replay_;
  stock::Book book_;
  std::map<std::string, std::map<Sequence, Said>> said_;  ///< by source
  Verdict out_{{}, 0xCBF29CE484222325ULL, 0, 0, 0, 0};
};

}  // namespace

Verdict judge_cluster(stream::Stream& stream, store::Session& session, const CommandKeys& keys,
                      const std::vector<std::pair<std::int32_t, std::int64_t>>& acknowledged) {
  return Judge(stream, session, keys).pass(acknowledged);
}

}  // namespace dropline::simulation

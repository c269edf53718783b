#include "stock_verdict.hpp"

#include <algorithm>
#include <set>

#include "dropline/contracts/stock_events.hpp"
#include "dropline/contracts/topics.hpp"
#include "dropline/store/table.hpp"
#include "replay.hpp"
#include "stage.hpp"

namespace dropline::simulation {

using namespace contracts;  // NOLINT: messages are all this file is about

namespace {

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

class StockJudge final {
 public:
  StockJudge(Findings& out, const LogCopy& log, LogCopy::Speech& said, store::Session& session,
             const CommandKeys& keys)
      : out_(out),
        log_(log),
        said_(said),
        session_(session),
        replay_(log.topic(topic::kOrdersCommands), keys) {
    auto book = stock::load(session, replay_.wanted);
    if (book)
      book_ = std::move(*book);
    else
      out_.blame("stock's tables cannot be read: " + book.error().text());
  }

  StockFigures pass() {
    check_answers();
    check_decisions();
    check_books();
    check_against_replay();
    check_counts();
    check_watermarks();
    check_levels();
    figures_.orders = book_.orders.size();
    figures_.bad = replay_.dead;
    return figures_;
  }

 private:
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
        out_.blame("answer " + std::to_string(a - is.begin()) + " of shard " + std::to_string(p) +
                   ":\n    is       " + (a == is.end() ? "(none)" : *a) + "\n    expected " +
                   (b == expected.end() ? "(none)" : *b));
    }
  }

  /// Every accepted order has one row and one decision, and they agree.
  void check_decisions() {
    std::map<OrderId, int> decided;
    for (const auto& [source, ids] : said_)
      for (const auto& [id, said] : ids) {
        if (said.topic != topic::kStockEvents) continue;
        Envelope envelope;
        envelope.type = said.type;
        envelope.body = said.body;
        if (said.type == StockReserved::kType) {
          if (const auto told = decode<StockReserved>(envelope)) {
            ++decided[told->order_id];
            ++figures_.granted;
            const auto* row = book_.order(told->order_id);
            if (!row || row->outcome == StockOutcome::refused || row->total != told->total ||
                row->first != told->place || row->body_hash != told->body_hash)
              out_.blame("the row of a granted order says something else: " + said.body);
            place_of(said, told->member);
          }
        } else if (said.type == StockRefused::kType) {
          if (const auto told = decode<StockRefused>(envelope)) {
            ++decided[told->order_id];
            const auto* row = book_.order(told->order_id);
            if (!row || row->outcome != StockOutcome::refused || row->reason != told->reason ||
                row->first != told->place)
              out_.blame("the row of a refused order says something else: " + said.body);
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
      out_.equal_number(decided[id], 1, "decisions of order " + id.text());
    out_.equal_number(static_cast<std::int64_t>(decided.size()),
                      static_cast<std::int64_t>(accepted.size()), "orders decided");
    for (const auto& [id, order] : replay_.ordinary) {
      const auto* row = book_.order(id);
      if (!row)
        out_.blame("an ordinary order has no row");
      else if (row->first != order.first || row->body_hash != order.body_hash)
        out_.blame("an ordinary order's row is not of its first copy");
    }
  }
  void place_of(const Said& said, const MemberId& member) {
    if (!check_partition(*find_topic(topic::kStockEvents), member.text(), said.partition,
                         kPartitions))
      out_.blame("a decision does not lie with its member");
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
      out_.equal_number(offer.allocated, allocated[key], "allocated of " + text_of(offer));
      out_.equal_number(offer.settled, settled[key], "settled of " + text_of(offer));
      if (offer.free() < 0 || offer.allocated < 0) out_.blame("oversold: " + text_of(offer));
      allocated.erase(key);
    }
    for (const auto& [key, units] : allocated)
      if (units != 0) out_.blame("units of an offer that is not there are allocated");
    for (const auto& [key, holding] : book_.holdings)
      if (holding.units > held[key] || (key.drop && holding.units != held[key]))
        out_.blame("a member's holding is " + std::to_string(holding.units) + ", the orders say " +
                   std::to_string(held[key]));
  }

  void check_against_replay() {
    for (const auto& [id, drop] : replay_.book.drops) {
      const auto* row = book_.drop(id);
      out_.equal(row ? text_of(*row) : "(none)", text_of(drop), "drop");
    }
    for (const auto& [key, offer] : replay_.book.offers) {
      const auto* row = book_.offer(key);
      out_.equal(row ? text_of(*row) : "(none)", text_of(offer), "offer");
    }
    for (const auto& [id, order] : replay_.book.orders) {
      const auto* row = book_.order(id);
      out_.equal(row ? text_of(*row) : "(none)", text_of(order), "order");
    }
    for (const auto& [key, holding] : replay_.book.holdings) {
      const auto row = book_.holdings.find(key);
      out_.equal_number(row == book_.holdings.end() ? -1 : row->second.units, holding.units,
                        "holding");
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
        {"changes", changes.size()}};
    for (const auto& [table, expected] : tables) {
      const auto sql = "SELECT count(*) FROM {" + std::string(table) + "}";
      const auto rows = store::query(session_, {"count", "stock", sql}, {}, {store::Type::int64});
      out_.equal_number(rows ? rows->front().int64(0) : -1, static_cast<std::int64_t>(expected),
                        std::string("rows of ") + table);
    }
  }

  /// Each source's last word is remembered, and nobody's whose signature was not good.
  void check_watermarks() {
    const auto rows =
        store::query(session_, {"watermarks", "stock", "SELECT shard, watermarks FROM {shards}"},
                     {}, {store::Type::int64, store::Type::text});
    if (!rows) return out_.blame("the shards cannot be read: " + rows.error().text());
    for (const auto row : *rows)
      out_.equal(
          std::string(row.text(1)),
          worker::format_watermarks(replay_.watermarks[static_cast<std::int32_t>(row.int64(0))]),
          "watermarks of stock/" + std::to_string(row.int64(0)));
  }

  /// Whoever keeps the highest version of each key has what the rows say.
  void check_levels() {
    std::map<std::string, std::pair<std::int64_t, std::string>> newest;
    std::map<std::pair<std::string, std::int32_t>, std::int64_t> last;  ///< kept by compaction
    const auto level = [&](const std::string& key, std::int32_t partition, std::int64_t version,
                           std::string_view body) {
      last[{key, partition}] = version;
      auto& top = newest[key];
      if (version == top.first && body != top.second)
        out_.blame("two levels of " + key + " have version " + std::to_string(version));
      if (version > top.first) top = {version, std::string(body)};
    };
    for (std::int32_t p = 0; p < kPartitions; ++p)
      for (const auto& record : log_.topic(topic::kStockLevels).partition(p)) {
        const auto envelope = parse_envelope(record);
        if (!envelope) continue;
        const std::string key(record.key.value_or(""));
        if (const auto offer = decode<OfferLevel>(*envelope);
            offer && envelope->type == OfferLevel::kType)
          level(key, p, offer->version, envelope->body);
        else if (const auto drop = decode<DropLevel>(*envelope);
                 drop && envelope->type == DropLevel::kType)
          level(key, p, drop->version, envelope->body);
      }
    const auto compare = [&](const auto& row) {
      const auto shown = stock::level_of(row);
      const auto key = shown.partition_key();
      out_.equal(newest[key].second, encode(shown), "level of " + key);
      std::int64_t kept = 0;
      for (std::int32_t p = 0; p < kPartitions; ++p)
        kept = std::max(kept, last[{key, p}]);
      if (kept != newest[key].first) out_.blame("compaction would keep an old level of " + key);
      out_.mix(encode(shown));
    };
    for (const auto& [id, drop] : book_.drops)
      compare(drop);
    for (const auto& [key, offer] : book_.offers)
      compare(offer);
    for (const auto& [id, order] : book_.orders)
      out_.mix(text_of(order));
  }

  Findings& out_;
  const LogCopy& log_;
  LogCopy::Speech& said_;
  store::Session& session_;
  Replay replay_;
  stock::Book book_;
  StockFigures figures_;
};

}  // namespace

StockFigures judge_stock(Findings& out, const LogCopy& log, LogCopy::Speech& said,
                         store::Session& session, const CommandKeys& keys) {
  return StockJudge(out, log, said, session, keys).pass();
}

}  // namespace dropline::simulation

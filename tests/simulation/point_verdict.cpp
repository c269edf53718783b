#include "point_verdict.hpp"

#include <algorithm>

#include "dropline/contracts/orders_events.hpp"
#include "dropline/contracts/points_events.hpp"
#include "dropline/store/table.hpp"
#include "loop_verdict.hpp"
#include "order_rows.hpp"
#include "terms.hpp"

namespace dropline::simulation {

using namespace contracts;  // NOLINT: messages are all this file is about

namespace {

using store::Type;

/// What orders told of one of them.
struct Told {
  std::optional<std::int64_t> paid;
  std::int64_t gone_back = 0;
  bool whole = false;  ///< all of it went back
};

/// What the ledger, or points' words, come to.
struct Sum {
  std::int64_t accrued = 0;
  std::int64_t reversed = 0;
  int accruals = 0;
  bool operator==(const Sum&) const = default;
};

class PointJudge final {
 public:
  PointJudge(Findings& out, const LogCopy& log, store::Session& session)
      : out_(out), log_(log), session_(session) {}

  void pass() {
    read_orders();
    read_ledger();
    read_words();
    check_orders();
    check_balances();
  }

 private:
  template <class T, class Take>
  void each(std::string_view topic, Take take) {
    log_.each(topic, T::kType, [&](const stream::Record&, const Envelope& envelope) {
      if (const auto told = decode<T>(envelope)) take(*told);
    });
  }
  void read_orders() {
    const auto of = [this](const auto& told) -> Told& {
      return told_[{told.order_id, told.member}];
    };
    each<OrderPaid>(topic::kOrdersEvents, [&](const OrderPaid& t) { of(t).paid = t.paid.minor; });
    each<OrderCancelled>(topic::kOrdersEvents,
                         [&](const OrderCancelled& t) { of(t).whole = true; });
    each<OrderRefunded>(topic::kOrdersEvents, [&](const OrderRefunded& t) { of(t).whole = true; });
    each<OrderPartlyRefunded>(topic::kOrdersEvents, [&](const OrderPartlyRefunded& t) {
      auto& order = of(t);
      order.gone_back = std::max(order.gone_back, t.refunded_total.minor);
    });
  }

  void read_ledger() {
    const auto rows = store::query(
        session_,
        {"entries", "points",
         "SELECT member, number, kind, order_id, points, balance FROM {entries} "
         "ORDER BY member, number"},
        {}, {Type::uuid, Type::int64, Type::text, Type::uuid, Type::int64, Type::int64});
    if (!rows) return out_.blame("points' ledger cannot be read: " + rows.error().text());
    for (const auto row : *rows) {
      const auto member = row.id<MemberId>(0);
      auto& [balance, entries] = balances_[member];
      balance += row.int64(4);
      out_.equal_number(row.int64(1), ++entries, "number of an entry of points");
      out_.equal_number(row.int64(5), balance, "balance told by an entry of points");
      auto& sum = ledger_[{row.id<OrderId>(3), member}];
      if (row.text(2) == "accrual") {
        sum.accrued += row.int64(4);
        ++sum.accruals;
      } else {
        sum.reversed -= row.int64(4);
      }
    }
  }
  void read_words() {
    each<PointsAccrued>(topic::kPointsEvents, [&](const PointsAccrued& told) {
      auto& sum = words_[{told.order_id, told.member}];
      sum.accrued += told.points;
      ++sum.accruals;
    });
    each<PointsReversed>(topic::kPointsEvents, [&](const PointsReversed& told) {
      words_[{told.order_id, told.member}].reversed += told.points;
    });
  }

  [[nodiscard]] static Sum expected(const Told& told) {
    if (!told.paid) return {};
    Sum sum;
    sum.accruals = 1;
    sum.accrued = *told.paid * point_terms().rate / 10'000;
    if (told.whole || told.gone_back >= *told.paid)
      sum.reversed = told.whole || told.gone_back > 0 ? sum.accrued : 0;
    else
      sum.reversed = sum.accrued * told.gone_back / *told.paid;
    return sum;
  }
  static std::string text_of(const Sum& sum) {
    return std::to_string(sum.accrued) + " given by " + std::to_string(sum.accruals) +
           " entries, " + std::to_string(sum.reversed) + " taken back";
  }

  /// What paid orders earn, less what went back, once.
  void check_orders() {
    for (const auto& [key, told] : told_) {
      auto sum = expected(told);
      const auto name = "points of order " + key.first.text();
      out_.equal(text_of(ledger_[key]), text_of(sum), name);
      if (sum.accrued == 0) sum.accruals = 0;  // Nobody is told of no points.
      out_.equal(text_of(words_[key]), text_of(sum), name + " as told");
    }
    for (const auto& [key, sum] : ledger_)
      if (!told_.contains(key)) out_.blame("points were given for an order that told nothing");
  }

  void check_balances() {
    const auto rows = store::query(
        session_, {"balances", "points", "SELECT member, balance, entries FROM {balances}"}, {},
        {Type::uuid, Type::int64, Type::int64});
    if (!rows) return out_.blame("points' balances cannot be read");
    out_.equal_number(static_cast<std::int64_t>(rows->size()),
                      static_cast<std::int64_t>(balances_.size()), "members with points");
    for (const auto row : *rows) {
      const auto& [balance, entries] = balances_[row.id<MemberId>(0)];
      out_.equal_number(row.int64(1), balance, "a member's points");
      out_.equal_number(row.int64(2), entries, "entries of a member's points");
    }
  }

  Findings& out_;
  const LogCopy& log_;
  store::Session& session_;
  std::map<OrderOf, Told> told_;
  std::map<OrderOf, Sum> ledger_;
  std::map<OrderOf, Sum> words_;
  std::map<MemberId, std::pair<std::int64_t, std::int64_t>> balances_;
};

}  // namespace

std::map<Place, std::string> judge_points(Findings& out, const LogCopy& log,
                                          store::Session& session, const CommandKeys& keys) {
  std::map<Place, std::string> bad;
  find_bad<OrderPaid, OrderCancelled, OrderPartlyRefunded, OrderRefunded>(
      bad, log, topic::kOrdersEvents, false, keys);
  PointJudge(out, log, session).pass();
  return bad;
}

}  // namespace dropline::simulation

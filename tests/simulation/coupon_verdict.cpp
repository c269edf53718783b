#include "coupon_verdict.hpp"

#include <algorithm>

#include "coupon_replay.hpp"
#include "dropline/contracts/coupons_commands.hpp"
#include "dropline/contracts/stock_events.hpp"
#include "dropline/coupons/coupons_store.hpp"
#include "dropline/store/table.hpp"
#include "loop_verdict.hpp"

namespace dropline::simulation {

using namespace contracts;  // NOLINT: messages are all this file is about

namespace {

using store::Type;

class CouponJudge final {
 public:
  CouponJudge(Findings& out, const LogCopy& log, const LogCopy::Speech& speech,
              store::Session& session, const OrderRows& orders,
              const std::map<Place, std::string>& bad)
      : out_(out),
        log_(log),
        speech_(speech),
        session_(session),
        orders_(orders),
        replay_(log.topic(topic::kCouponsCommands), bad) {}

  void pass() {
    check_answers();
    check_rows();
    check_lines();
    check_orders();
  }

 private:
  void check_answers() {
    for (std::int32_t p = 0; p < kPartitions; ++p) {
      std::vector<std::string> is;
      if (const auto said = speech_.find("coupons/" + std::to_string(p)); said != speech_.end())
        for (const auto& [id, message] : said->second)
          is.push_back(message.type + ' ' + message.body);
      const auto& expected = replay_.answers[p];
      const auto [a, b] = std::ranges::mismatch(is, expected);
      if (a != is.end() || b != expected.end())
        out_.blame("answer " + std::to_string(a - is.begin()) + " of coupons/" + std::to_string(p) +
                   ":\n    is       " + (a == is.end() ? "(none)" : *a) + "\n    expected " +
                   (b == expected.end() ? "(none)" : *b));
      for (const auto& quarrel : replay_.quarrels[p])
        out_.blame("a coupon of partition " + std::to_string(p) + ", " + quarrel);
    }
  }

  [[nodiscard]] std::int64_t count_of(const char* table) {
    const auto sql = std::string("SELECT count(*) FROM {") + table + "}";
    const auto rows = store::query(session_, {"count", "coupons", sql}, {}, {Type::int64});
    return rows ? rows->front().int64(0) : -1;
  }
  template <class Rows>
  void compare(const Rows& is, const Rows& expected, const char* table) {
    out_.equal_number(count_of(table), static_cast<std::int64_t>(expected.size()),
                      std::string("rows of coupons.") + table);
    for (const auto& [key, row] : expected)
      if (const auto found = is.find(key); found == is.end() || !(found->second == row))
        out_.blame(std::string("a row of coupons.") + table +
                   (found == is.end() ? " is missing" : " is not what the log makes of it"));
  }

  /// Every row is what the log makes of it, and there is no other.
  void check_rows() {
    coupons::Wanted wanted;
    const auto& book = replay_.book;
    for (const auto& [id, campaign] : book.campaigns)
      wanted.campaigns.push_back(id);
    for (const auto& [id, coupon] : book.coupons)
      wanted.coupons.push_back(id);
    for (const auto& [key, use] : book.uses)
      wanted.uses.push_back(key);
    wanted.changes.assign(book.changes.begin(), book.changes.end());
    auto is = coupons::load(session_, std::move(wanted));
    if (!is) return out_.blame("coupons' tables cannot be read: " + is.error().text());
    compare(is->campaigns, book.campaigns, "campaigns");
    compare(is->coupons, book.coupons, "coupons");
    compare(is->uses, book.uses, "uses");
    out_.equal_number(count_of("changes"), static_cast<std::int64_t>(book.changes.size()),
                      "rows of coupons.changes");
    if (is->changes != book.changes) out_.blame("coupons.changes has another change");
    uses_ = std::move(is->uses);
    coupons_ = std::move(is->coupons);
    campaigns_ = std::move(is->campaigns);
  }

  /// As many as there are and no more, one a member, and the first by offset.
  void check_lines() {
    std::map<CampaignId, std::int64_t> out;
    for (const auto& [id, coupon] : coupons_) {
      ++out[coupon.campaign];
      const auto& holders = replay_.lines[coupon.campaign].holders;
      const auto holder = holders.find(coupon.member);
      if (holder == holders.end() || !(holder->second == coupon.place))
        out_.blame("a coupon belongs to a member who did not come first");
    }
    for (const auto& [id, campaign] : campaigns_) {
      out_.equal_number(campaign.issued, out[id], "coupons issued of a campaign");
      out_.equal_number(out[id], static_cast<std::int64_t>(replay_.lines[id].holders.size()),
                        "coupons of a campaign and members who came first");
      if (out[id] > campaign.terms.quantity) out_.blame("more coupons are out than there are");
    }
  }

  /// A coupon ends as its order does, and its order pays that much less.
  void check_orders() {
    std::map<CouponId, int> held;
    for (const auto& [key, use] : uses_)
      if (use.state == coupons::UseState::reserved || use.state == coupons::UseState::redeemed)
        ++held[key.coupon];
    for (const auto& [coupon, orders] : held)
      if (orders > 1) out_.blame("a coupon is used by two orders");
    log_.each(topic::kStockEvents, StockReserved::kType,
              [this](const stream::Record&, const Envelope& envelope) {
                if (const auto fact = decode<StockReserved>(envelope); fact && fact->coupon)
                  check_order(*fact);
              });
  }
  void check_order(const StockReserved& fact) {
    const auto order = orders_.find({fact.order_id, fact.member});
    if (order == orders_.end()) return;
    const auto use = uses_.find({*fact.coupon, fact.order_id});
    const auto is =
        use == uses_.end() ? std::string("none") : std::string(to_text(use->second.state));
    const auto& row = order->second;
    const auto name = "order " + fact.order_id.text() + " is " + row.state +
                      ", and of its coupon the use is " + is;
    bool fits = false;
    if (row.state == "coupon_refused")
      fits = is == "declined";
    else if (row.sold() && row.state != "refunded")
      fits = is == "redeemed";
    else
      fits = is == "released" || is == "declined";
    if (!fits) out_.blame(name);
    const auto discount = use == uses_.end() ? 0 : use->second.discount.minor;
    out_.equal_number(row.discount, row.discount == 0 ? 0 : discount, name + ", its discount");
    if (row.sold()) {
      out_.equal_number(row.discount, discount, name + ", its discount");
      out_.equal_number(row.paid, row.total - discount, name + ", paid");
    }
  }

  Findings& out_;
  const LogCopy& log_;
  const LogCopy::Speech& speech_;
  store::Session& session_;
  const OrderRows& orders_;
  CouponReplay replay_;
  std::map<CampaignId, coupons::Campaign> campaigns_;
  std::map<CouponId, coupons::Coupon> coupons_;
  std::map<coupons::UseKey, coupons::Use> uses_;
};

}  // namespace

std::map<Place, std::string> judge_coupons(Findings& out, const LogCopy& log,
                                           const LogCopy::Speech& speech, store::Session& session,
                                           const CommandKeys& keys, const OrderRows& orders) {
  std::map<Place, std::string> bad;
  find_bad<PutCampaign, PauseCampaign, ResumeCampaign, EndCampaign, IssueCoupon, GrantCoupon,
           ReserveCoupon, RedeemCoupon, ReleaseCoupon>(bad, log, topic::kCouponsCommands, true,
                                                       keys);
  CouponJudge(out, log, speech, session, orders, bad).pass();
  return bad;
}

}  // namespace dropline::simulation

#include "coupon_replay.hpp"

#include <algorithm>
#include <variant>

#include "dropline/contracts/codec.hpp"
#include "dropline/contracts/coupons_commands.hpp"
#include "dropline/coupons/coupons_store.hpp"
#include "dropline/store/table.hpp"
#include "dropline/worker/shard.hpp"

namespace dropline::audit {
namespace {

using namespace contracts;  // NOLINT: messages are what this file replays
using store::Type;

constexpr std::string_view kTopic = topic::kCouponsCommands;
/// Rows of a kind that are asked for at once.
constexpr std::size_t kChunk = 2'000;

std::string text_of(const LogPlace& place, Timestamp at) {
  return ", place " + std::to_string(place.partition) + '@' + std::to_string(place.offset) +
         ", at " + std::to_string(unix_us(at));
}
std::string text_of(const coupons::Campaign& row) {
  return std::string(to_text(row.standing)) + ", issued " + std::to_string(row.issued) +
         ", shard " + std::to_string(row.shard) + ", " + encode(row.terms) +
         text_of(row.place, row.at);
}
std::string text_of(const coupons::Coupon& row) {
  return "of campaign " + row.campaign.text() + ", member " + row.member.text() + ", " +
         std::string(to_text(row.state)) + ", order " + (row.order ? row.order->text() : "(none)") +
         ", granted by " + (row.granted_by ? encode(*row.granted_by) : "(nobody)") +
         ", issued at " + std::to_string(unix_us(row.issued_at)) + text_of(row.place, row.at);
}
std::string text_of(const coupons::Use& row) {
  return "member " + row.member.text() + ", " + std::string(to_text(row.state)) + ", declined " +
         (row.declined ? std::string(to_text(*row.declined)) : "(no)") + ", discount " +
         std::to_string(row.discount.minor) + ' ' + std::string(row.discount.currency.text()) +
         ", at " + std::to_string(unix_us(row.at));
}

std::string name_of(const CampaignId& id) {
  return "coupons.campaigns campaign=" + id.text();
}
std::string name_of(const CouponId& id) {
  return "coupons.coupons coupon=" + id.text();
}
std::string name_of(const coupons::UseKey& key) {
  return "coupons.uses coupon=" + key.coupon.text() + " order=" + key.order.text();
}

template <class Map>
void compare(Outcomes& out, const Map& is, const Map& expected, auto first, auto last) {
  for (auto row = first; row != last; ++row) {
    const auto found = is.find(row->first);
    if (found == is.end())
      out.add("coupon_replay", name_of(row->first),
              "there is no row; the log makes it " + text_of(expected.at(row->first)));
    else if (!(found->second == row->second))
      out.add("coupon_replay", name_of(row->first),
              text_of(found->second) + "; the log makes it " + text_of(row->second));
  }
}

void apply_any(coupons::Book& book, const Envelope& envelope, const coupons::Placed& placed) {
  const auto apply = [&]<class T>(T*) {
    if (envelope.type != T::kType) return;
    const auto command = decode<T>(envelope);
    if (!command) return;
    if constexpr (std::same_as<T, IssueCoupon>)
      static_cast<void>(coupons::issue(book, *command, placed));
    else if constexpr (std::same_as<T, GrantCoupon>)
      static_cast<void>(coupons::grant(book, *command, placed));
    else if constexpr (std::same_as<T, ReserveCoupon>)
      static_cast<void>(coupons::reserve(book, *command, placed));
    else if constexpr (std::same_as<T, RedeemCoupon>)
      static_cast<void>(coupons::redeem(book, *command, placed));
    else if constexpr (std::same_as<T, ReleaseCoupon>)
      static_cast<void>(coupons::release(book, *command, placed));
    else
      static_cast<void>(coupons::change(book, *command, placed));
  };
  apply(static_cast<PutCampaign*>(nullptr));
  apply(static_cast<PauseCampaign*>(nullptr));
  apply(static_cast<ResumeCampaign*>(nullptr));
  apply(static_cast<EndCampaign*>(nullptr));
  apply(static_cast<IssueCoupon*>(nullptr));
  apply(static_cast<GrantCoupon*>(nullptr));
  apply(static_cast<ReserveCoupon*>(nullptr));
  apply(static_cast<RedeemCoupon*>(nullptr));
  apply(static_cast<ReleaseCoupon*>(nullptr));
}

}  // namespace

void CouponReplay::announce(Outcomes& out) {
  out.announce("coupon_replay", "coupons' rows are what its log comes to by the rules",
               Reach::at_rest);
}

CouponReplay::CouponReplay(Outcomes& out, store::Session& session, const Shards& shards,
                           const LetterChecks& letters)
    : out_(out), session_(session), letters_(letters) {
  for (const auto& [key, row] : shards) {
    if (key.first != "coupons") continue;
    const auto positions = worker::parse_positions(row.positions);
    if (!positions) continue;
    const auto at = positions->find(kTopic);
    if (at != positions->end()) read_[key.second] = at->second.next;
  }
}

void CouponReplay::take(const stream::Record& record) {
  const auto read = read_.find(record.partition);
  if (read == read_.end() || record.offset >= read->second) return;
  if (letters_.has_letter("coupons", kTopic, record.partition, record.offset)) return;
  const auto envelope = parse_envelope(record);
  // Sources of signed records are certain: what is not signed well is a dead letter.
  if (!envelope || heard_.said_before(record.partition, *envelope)) return;
  apply_any(book_, *envelope, {{record.partition, record.offset}, record.append_time});
}

/// Chunk by chunk, so that what is asked for stays bounded whatever the shop holds.
Status CouponReplay::compare_rows() {
  const auto pass = [this](const auto& expected, auto want, auto rows_of) -> Status {
    for (auto at = expected.begin(); at != expected.end();) {
      coupons::Wanted wanted;
      const auto first = at;
      for (std::size_t i = 0; i < kChunk && at != expected.end(); ++i, ++at)
        want(wanted, at->first);
      auto book = coupons::load(session_, std::move(wanted));
      if (!book && book.error().transient()) return book.error();
      if (!book)
        out_.add("coupon_replay", name_of(first->first) + " or one behind it", book.error().detail);
      else
        compare(out_, rows_of(*book), expected, first, at);
    }
    return {};
  };
  auto done = pass(
      book_.campaigns, [](auto& wanted, const auto& id) { wanted.campaigns.push_back(id); },
      [](const coupons::Book& book) -> const auto& { return book.campaigns; });
  if (!done) return done;
  done = pass(
      book_.coupons, [](auto& wanted, const auto& id) { wanted.coupons.push_back(id); },
      [](const coupons::Book& book) -> const auto& { return book.coupons; });
  if (!done) return done;
  return pass(
      book_.uses, [](auto& wanted, const auto& key) { wanted.uses.push_back(key); },
      [](const coupons::Book& book) -> const auto& { return book.uses; });
}

/// And there is no row that the log knows nothing of.
Status CouponReplay::compare_counts() {
  const std::pair<const char*, std::size_t> tables[] = {{"campaigns", book_.campaigns.size()},
                                                        {"coupons", book_.coupons.size()},
                                                        {"uses", book_.uses.size()}};
  for (const auto& [table, expected] : tables) {
    const auto sql = std::string("SELECT COUNT(*) FROM {") + table + '}';
    auto rows = store::query(session_, {"audit coupons", "coupons", sql}, {}, {Type::int64});
    if (!rows) return rows.error();
    if (rows->front().int64(0) != static_cast<std::int64_t>(expected))
      out_.add("coupon_replay", std::string("coupons.") + table,
               std::to_string(rows->front().int64(0)) + " rows; the log makes " +
                   std::to_string(expected));
  }
  auto rows = store::query(
      session_, {"audit changes", "coupons", "SELECT change_id FROM {changes}"}, {}, {Type::uuid});
  if (!rows) return rows.error();
  auto missing = book_.changes;
  for (const auto row : *rows)
    if (missing.erase(row.id<ChangeId>(0)) == 0)
      out_.add("coupon_replay", "coupons.changes change=" + row.uuid(0).text(),
               "the log knows of no such change");
  for (const auto& change : missing)
    out_.add("coupon_replay", "coupons.changes change=" + change.text(),
             "there is no row; the log has it");
  return {};
}

Status CouponReplay::finish(const std::vector<stream::Extent>& extents) {
  const bool whole =
      std::ranges::all_of(extents, [](const auto& extent) { return extent.start == 0; });
  if (!whole) return {};
  if (auto done = compare_rows(); !done) return done;
  return compare_counts();
}

}  // namespace dropline::audit

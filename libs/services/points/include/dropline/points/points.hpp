#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "dropline/contracts/orders_events.hpp"
#include "dropline/contracts/points_events.hpp"

/// Points for what was paid: the rules, without a clock, a database or a stream. Given once a paid
/// order, taken back in proportion as money goes back, so that an order refunded whole has given
/// none, however many parts it went back in. Facts may come in any order, and more than once.
namespace dropline::points {

/// Points for 10,000 minor units of money: 100 is one in a hundred.
inline constexpr std::int64_t kMaxRate = 10'000;

struct Terms {
  std::int64_t rate = 100;  ///< in basis points, 0 to kMaxRate; of what is paid from now on
};

enum class EntryKind { accrual, reversal };
constexpr auto names_of(EntryKind) {
  return std::to_array<std::string_view>({"accrual", "reversal"});
}

/// One line of a member's ledger. Only added.
struct Entry {
  MemberId member;
  std::int64_t number = 0;
  EntryKind kind = EntryKind::accrual;
  OrderId order;
  std::int64_t points = 0;   ///< may be 0: an order worth none, or a refund that came first
  std::int64_t balance = 0;  ///< after it
  std::int64_t money = 0;    ///< accrual: paid; reversal: gone back so far (kMaxExact: all)
  Timestamp at;
  bool operator==(const Entry&) const = default;
};

struct Balance {
  MemberId member;
  std::int64_t balance = 0;
  std::int64_t entries = 0;
  Timestamp at;
};

struct OrderKey {
  OrderId order;
  MemberId member;
  auto operator<=>(const OrderKey&) const = default;
};

/// What the ledger says of an order.
struct Account {
  std::optional<std::int64_t> paid;  ///< absent: not known yet
  std::int64_t accrued = 0;
  std::int64_t reversed = 0;
  std::int64_t gone_back = 0;  ///< of the money; kMaxExact: all
};

/// The rows that a batch needs, and what it adds. Whoever calls a rule must have loaded its order's
/// entries and its member's balance.
struct Book {
  std::map<OrderKey, Account> orders;
  std::map<MemberId, Balance> balances;

  std::vector<Entry> entries;  ///< new
  std::set<MemberId> changed;
};

/// Takes an entry into the account of its order: how a book is read back from a ledger.
void enter(Book& book, const Entry& entry);

/// What a fact gave or took, as entries of `book` from the index that is returned on; those of no
/// points are kept, and nobody is told of them.
std::size_t accrue(Book& book, const Terms& terms, const contracts::OrderPaid& order, Timestamp at);
std::size_t reverse(Book& book, const contracts::OrderCancelled& order, Timestamp at);
std::size_t reverse(Book& book, const contracts::OrderPartlyRefunded& order, Timestamp at);
std::size_t reverse(Book& book, const contracts::OrderRefunded& order, Timestamp at);

/// paid × rate ÷ 10,000, rounded down.
[[nodiscard]] std::int64_t points_for(std::int64_t paid, std::int64_t rate);

}  // namespace dropline::points

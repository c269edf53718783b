#include "oracle.hpp"

namespace dropline::load {
namespace {

constexpr std::size_t kWallets = 200;

}  // namespace

Result<Verdict> judge(Sale& sale, const Plan& plan, const std::vector<bool>& answered_paid,
                      const Follower& follower) {
  Verdict verdict;
  std::size_t found[3] = {};
  const auto differ = [&](std::size_t kind, std::string text) {
    if (found[kind]++ < kMostDifferences) verdict.differences.push_back(std::move(text));
  };
  std::vector<std::int64_t> paid_of(sale.members());
  std::uint64_t known = 0;
  const auto& orders = sale.orders();
  for (std::size_t arrival = 0; arrival < orders.size(); ++arrival) {
    ++verdict.compared;
    const auto told = follower.orders().find(orders[arrival]);
    const bool paid = told != follower.orders().end();
    if (paid) {
      ++known;
      ++paid_of[sale.member_of(arrival)];
      if (told->second.times > 1)
        differ(0, "order " + orders[arrival].text() + " was told to be paid " +
                      std::to_string(told->second.times) + " times");
    } else if (arrival < answered_paid.size() && answered_paid[arrival]) {
      differ(1,
             "order " + orders[arrival].text() + " was answered paid, the topic does not say so");
    }
  }
  if (static_cast<std::int64_t>(known) > sale.units())
    differ(2, std::to_string(known) + " units are paid of " + std::to_string(sale.units()));
  for (std::size_t member = 0; member < std::min(kWallets, sale.members()); ++member) {
    const auto balance = sale.balance(member);
    if (!balance) return balance.error();
    ++verdict.wallets;
    const auto right = plan.funds.minor - paid_of[member] * plan.price.minor;
    if (*balance != right)
      differ(2, "member " + std::to_string(member) + " has " + std::to_string(*balance) +
                    " left, by the topic it is " + std::to_string(right));
  }
  return verdict;
}

}  // namespace dropline::load

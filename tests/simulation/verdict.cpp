#include "verdict.hpp"

#include "coupon_verdict.hpp"
#include "delivery_verdict.hpp"
#include "dropline/contracts/body_hash.hpp"
#include "money_verdict.hpp"
#include "order_verdict.hpp"
#include "point_verdict.hpp"
#include "stock_verdict.hpp"

namespace dropline::simulation {

using namespace contracts;  // NOLINT: messages are all this file is about

namespace {

/// A receipt is a promise: that command lies at that place. And what was said not to be in the log
/// is not there.
void judge_promises(Findings& out, const LogCopy& log, const Promises& promises) {
  std::map<std::pair<OrderId, crypto::Digest>, int> found;
  log.for_all(topic::kOrdersCommands, [&](const stream::Record& record) {
    const auto envelope = parse_envelope(record);
    if (!envelope || envelope->type != PlaceOrder::kType) return;
    if (const auto order = decode<PlaceOrder>(*envelope))
      ++found[{order->order_id, body_hash(*order)}];
  });
  const auto& commands = log.topic(topic::kOrdersCommands);
  for (const auto& receipt : promises.receipts) {
    const auto arrival = shop::verify_receipt(receipt, promises.key);
    if (!arrival) {
      out.blame("a receipt is not good: " + arrival.error().text());
      continue;
    }
    if (!found.contains({arrival->order, arrival->command_hash}))
      out.blame("an acknowledged order is not in the log: " + receipt);
    if (!arrival->offset) continue;
    const auto& records = commands.partition(arrival->partition);
    if (*arrival->offset >= static_cast<std::int64_t>(records.size())) {
      out.blame("an acknowledged order is not in the log: " + receipt);
      continue;
    }
    const auto& record = records[static_cast<std::size_t>(*arrival->offset)];
    const auto envelope = parse_envelope(record);
    const auto order = envelope ? decode<PlaceOrder>(*envelope) : Result<PlaceOrder>(PlaceOrder());
    if (!order || order->order_id != arrival->order || body_hash(*order) != arrival->command_hash)
      out.blame("something else lies where the receipt says: " + receipt);
  }
  for (const auto& [order, sent] : promises.orders)
    if (sent.tried == sent.failed && found.contains(order))
      out.blame("order " + order.first.text() + " was said not to be in the log, and is");
}

}  // namespace

Verdict judge_cluster(stream::Stream& stream, store::Session& session, const CommandKeys& keys,
                      const Promises& promises) {
  Findings out;
  const LogCopy log(stream);
  auto speech = log.speech(out);
  std::map<std::string, std::map<Place, std::string>, std::less<>> bad;
  const auto stock = judge_stock(out, log, speech, session, keys);
  bad["stock"] = stock.bad;
  const auto rows = order_rows(out, session);
  bad["payments"] = judge_money(out, log, session, keys);
  bad["coupons"] = judge_coupons(out, log, speech, session, keys, rows);
  bad["ordering"] = judge_orders(out, log, session, keys, rows);
  bad["deliveries"] = judge_deliveries(out, log, session, keys, rows);
  bad["points"] = judge_points(out, log, session, keys);
  for (const auto& service : services())
    judge_loop(out, log, speech, session, service, bad[std::string(service.name)]);
  judge_promises(out, log, promises);
  log.mix(out);
  Verdict verdict;
  verdict.violations = out.violations();
  verdict.hash = out.hash();
  verdict.orders = stock.orders;
  verdict.granted = stock.granted;
  for (const auto& [key, row] : rows) {
    verdict.paid += row.sold() ? 1 : 0;
    verdict.delivered += row.state == "completed" || row.state == "refunded" ? 1 : 0;
    verdict.refunds += row.sold() && row.refunded > 0 ? 1 : 0;
    verdict.discounts += row.sold() && row.discount > 0 ? 1 : 0;
  }
  log.for_all(topic::kOrdersCommands, [&](const stream::Record&) { ++verdict.commands; });
  return verdict;
}

}  // namespace dropline::simulation

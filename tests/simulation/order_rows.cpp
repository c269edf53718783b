#include "order_rows.hpp"

#include "dropline/store/table.hpp"

namespace dropline::simulation {

using store::Type;

OrderRows order_rows(Findings& out, store::Session& session) {
  OrderRows found;
  const auto rows = store::query(
      session,
      {"orders", "ordering",
       "SELECT order_id, member, state, version, placed_at IS NOT NULL, total, paid, refunded, "
       "deadline IS NOT NULL, CAST(COALESCE("
       "facts->'coupon_facts'->'reserved'->'discount'->>'amount', '0') AS bigint) FROM {orders}"},
      {},
      {Type::uuid, Type::uuid, Type::text, Type::int64, Type::int64, Type::int64, Type::int64,
       Type::int64, Type::int64, Type::int64});
  if (!rows) {
    out.blame("orders cannot be read: " + rows.error().text());
    return found;
  }
  for (const auto row : *rows)
    found[{row.id<OrderId>(0), row.id<MemberId>(1)}] = {std::string(row.text(2)),
                                                        row.int64(3),
                                                        row.int64(4) != 0,
                                                        row.int64(5),
                                                        row.int64(6),
                                                        row.int64(7),
                                                        row.int64(8) != 0,
                                                        row.int64(9)};
  return found;
}

}  // namespace dropline::simulation

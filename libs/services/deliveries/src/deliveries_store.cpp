#include "dropline/deliveries/deliveries_store.hpp"

#include <algorithm>

#include "deliveries_rows.hpp"

namespace dropline::deliveries {

Result<Book> load(store::Session& session, std::vector<DeliveryKey> wanted) {
  Book book;
  if (wanted.empty()) return book;
  std::ranges::sort(wanted);
  wanted.erase(std::unique(wanted.begin(), wanted.end()), wanted.end());
  auto keys = store::RowBuffer::keys(kDeliveries);
  keys.reserve(wanted.size());
  for (const auto& key : wanted)
    keys.add(key.order).add(key.member);
  auto rows = store::load(session, kDeliveries, keys);
  if (!rows) return rows.error();
  for (const auto row : *rows) {
    auto delivery = read_delivery(row);
    if (!delivery) return delivery.error();
    book.deliveries.emplace(delivery->key, std::move(*delivery));
  }
  return book;
}

Status save(store::Session& session, const Book& book) {
  store::RowBuffer rows(kDeliveries);
  rows.reserve(book.changed.size());
  for (const auto& key : book.changed)
    put(rows, book.deliveries.at(key));
  return store::upsert(session, kDeliveries, rows);
}

}  // namespace dropline::deliveries

#include "catalog_rows.hpp"

#include "dropline/contracts/codec.hpp"
#include "dropline/store/errors.hpp"

namespace dropline::catalog {
namespace {

Error damaged(std::string_view table, const Uuid& key, std::string_view why) {
  return store::error(store::Errc::failed, "catalog." + std::string(table) + " row " + key.text() +
                                               " is damaged: " + std::string(why));
}

template <class Message>
Result<Answer> read_as(const store::Rows::Row& row) {
  auto message = contracts::decode<Message>(row.text(3));
  if (!message) return damaged("changes", row.uuid(0), message.error().detail);
  return Answer(std::move(*message));
}

}  // namespace

void put(store::RowBuffer& rows, const Product& product) {
  const auto& state = product.state;
  rows.add(state.product).add(state.version).add(state.retired);
  rows.add(product.shard).add(product.at).add(contracts::encode(state));
}

void put(store::RowBuffer& rows, const Drop& drop) {
  const auto& listing = drop.listing;
  rows.add(listing.drop).add(listing.version).add(listing.revision);
  rows.add(listing.terms.opens_at).add(listing.terms.closes_at);
  rows.add(drop.shard).add(drop.at).add(contracts::encode(listing));
}

void put(store::RowBuffer& rows, const ChangeKey& key, const Answer& answer, Timestamp now) {
  rows.add(key.change).add(key.subject);
  rows.add(std::holds_alternative<contracts::CatalogChanged>(answer));
  rows.add(std::visit([](const auto& message) { return contracts::encode(message); }, answer));
  rows.add(now);
}

Result<Product> read_product(const store::Rows::Row& row) {
  auto state = contracts::decode<contracts::ProductState>(row.text(5));
  if (!state) return damaged("products", row.uuid(0), state.error().detail);
  if (state->product != row.id<ProductId>(0) || state->version != row.int64(1) ||
      state->retired != row.boolean(2))
    return damaged("products", row.uuid(0), "its state is another's");
  return Product{std::move(*state), static_cast<std::int32_t>(row.int64(3)), row.time(4)};
}

Result<Drop> read_drop(const store::Rows::Row& row) {
  auto listing = contracts::decode<contracts::DropListing>(row.text(7));
  if (!listing) return damaged("drops", row.uuid(0), listing.error().detail);
  if (listing->drop != row.id<DropId>(0) || listing->version != row.int64(1) ||
      listing->revision != row.int64(2))
    return damaged("drops", row.uuid(0), "its listing is another's");
  return Drop{std::move(*listing), static_cast<std::int32_t>(row.int64(5)), row.time(6)};
}

Result<Answer> read_answer(const store::Rows::Row& row) {
  return row.boolean(2) ? read_as<contracts::CatalogChanged>(row)
                        : read_as<contracts::CatalogChangeRefused>(row);
}

}  // namespace dropline::catalog

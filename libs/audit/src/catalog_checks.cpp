#include <array>

#include "table_check.hpp"

namespace dropline::audit {
namespace {

const std::string kProductRow = R"(
SELECT 'catalog.products product=' || CAST(product_id AS text) AS w,
  'version ' || CAST(version AS text) || ' retired ' ||
  CASE WHEN retired THEN 'yes' ELSE 'no' END || ', but its state is of product ' ||
  COALESCE(state->>'product', '(none)') || ', version ' ||
  COALESCE(CAST(state->>'version' AS text), '(none)') AS t
FROM {catalog.products}
WHERE COALESCE(state->>'product', '') <> CAST(product_id AS text)
  OR COALESCE(CAST(state->>'version' AS bigint), -1) <> version
-- only postgresql
  OR COALESCE(state->>'retired', '') <> CAST(retired AS text)
-- end
-- only sqlite
  OR COALESCE(state->>'retired', -1) <> retired
-- end
)";

const std::string kSkus = R"(
WITH x AS MATERIALIZED (
  SELECT p.product_id AS product_id, CAST(p.product_id AS text) AS product, o.value->>'sku' AS sku
-- only postgresql
  FROM {catalog.products} p CROSS JOIN LATERAL json_array_elements(p.state->'options') AS o(value)
-- end
-- only sqlite
  FROM {catalog.products} p CROSS JOIN json_each(p.state, '$.options') AS o
-- end
)
SELECT 'catalog.skus sku=' || COALESCE(k.sku, x.sku) AS w,
  'belongs to product ' || COALESCE(CAST(k.product AS text), '(no row)') ||
  ', it is an option of ' || COALESCE(x.product, '(none)') AS t
FROM (SELECT sku FROM {catalog.skus} UNION SELECT sku FROM x) AS every
LEFT JOIN {catalog.skus} k ON k.sku = every.sku
LEFT JOIN x ON x.sku = every.sku
LEFT JOIN {catalog.products} owner ON owner.product_id = k.product
WHERE k.sku IS NULL OR owner.product_id IS NULL OR CAST(k.product AS text) <> x.product
)";

const std::string kDropRow = R"(
SELECT 'catalog.drops drop=' || CAST(drop_id AS text) AS w,
  'version ' || CAST(version AS text) || ' revision ' || CAST(revision AS text) ||
  ', but its listing is of drop ' || COALESCE(listing->>'drop', '(none)') || ', version ' ||
  COALESCE(CAST(listing->>'version' AS text), '(none)') || ', revision ' ||
  COALESCE(CAST(listing->>'revision' AS text), '(none)') AS t
FROM {catalog.drops}
WHERE COALESCE(listing->>'drop', '') <> CAST(drop_id AS text)
  OR COALESCE(CAST(listing->>'version' AS bigint), -1) <> version
  OR COALESCE(CAST(listing->>'revision' AS bigint), -1) <> revision OR closes_at <= opens_at
)";

/// Ordinary offers and offers of drops are of the products that own their SKUs.
const std::string kOfferProduct = R"(
SELECT 'stock.offers drop=' || CAST(f.drop_id AS text) || ' sku=' || f.sku AS w,
  'is of product ' || CAST(f.product AS text) || ', catalog says ' || CAST(k.product AS text) AS t
FROM {stock.offers} f JOIN {catalog.skus} k ON k.sku = f.sku WHERE f.product <> k.product
)";

const std::array kChecks{
    TableCheck{"catalog_product_row", "a product's row agrees with what was told of it",
               Reach::always, kProductRow},
    TableCheck{"catalog_skus", "every option belongs to the product that offers it", Reach::always,
               kSkus},
    TableCheck{"catalog_drop_row", "a drop's row agrees with what was told of it", Reach::always,
               kDropRow},
    TableCheck{"offer_product", "stock and catalog agree whose option a SKU is", Reach::at_rest,
               kOfferProduct},
};

}  // namespace

std::span<const TableCheck> catalog_checks() {
  return kChecks;
}

}  // namespace dropline::audit

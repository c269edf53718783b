#include <doctest/doctest.h>

#include "dropline/http/router.hpp"

using namespace dropline::http;

namespace {

const Handler kNothing = [](const ExchangePtr&) {};

std::string found(const Router& router, Method method, const Router::Segments& segments) {
  const auto match = router.find(method, segments);
  if (!match.route) return match.path_known ? "405" : "404";
  std::string text = match.route->name;
  for (const auto& [name, value] : match.parameters)
    text += ' ' + std::string(name) + '=' + value;
  return text;
}

}  // namespace

TEST_CASE("a route is found by method and path, and literals win over parameters") {
  Router router;
  router.add(Method::get, "/", "root", kNothing);
  router.add(Method::get, "/v1/orders", "orders", kNothing);
  router.add(Method::post, "/v1/orders", "place", kNothing);
  router.add(Method::get, "/v1/orders/{id}", "order", kNothing);
  router.add(Method::get, "/v1/orders/recent", "recent", kNothing);
  router.add(Method::post, "/v1/orders/{id}/refunds", "refund", kNothing);
  router.add(Method::get, "/v1/{kind}/{id}/lines/{line}", "line", kNothing);
  CHECK(found(router, Method::get, {""}) == "root");
  CHECK(found(router, Method::get, {"v1", "orders"}) == "orders");
  CHECK(found(router, Method::post, {"v1", "orders"}) == "place");
  CHECK(found(router, Method::head, {"v1", "orders"}) == "orders");
  CHECK(found(router, Method::get, {"v1", "orders", "7"}) == "order id=7");
  CHECK(found(router, Method::get, {"v1", "orders", "recent"}) == "recent");
  CHECK(found(router, Method::post, {"v1", "orders", "recent", "refunds"}) == "refund id=recent");
  CHECK(found(router, Method::get, {"v1", "orders", "7", "lines", "2"}) ==
        "line kind=orders id=7 line=2");
  CHECK(found(router, Method::del, {"v1", "orders"}) == "405");
  CHECK(found(router, Method::get, {"v1"}) == "404");
  CHECK(found(router, Method::get, {"v1", "orders", ""}) == "404");
  CHECK(found(router, Method::get, {"v1", "", "orders"}) == "404");
  CHECK(found(router, Method::get, Router::Segments(40, "v1")) == "404");
  CHECK(router.find(Method::del, {"v1", "orders"}).allow == "GET, HEAD, POST, OPTIONS");
  CHECK(router.find(Method::get, {"v1", "orders", "7", "refunds"}).allow == "POST, OPTIONS");
  CHECK(router.routes().size() == 7);
}

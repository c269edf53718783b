// What all cases left behind (files run in the order of their names): the shop is whole, and its
// ledger says what the gateway and the bank say.
#include <doctest/doctest.h>

#include "errands.hpp"
#include "support/eventually.hpp"

using namespace dropline;
using namespace dropline::testing;
using namespace std::chrono_literals;

namespace {

/// A figure of the sandbox's books.
std::int64_t figure(const std::string& books, const std::string& name) {
  const auto from = books.find('"' + name + "\":");
  REQUIRE_MESSAGE(from != std::string::npos, books);
  return std::stoll(books.substr(from + name.size() + 3));
}

std::int64_t account(const std::string& name) {
  return std::stoll(rows("payments",
                         "SELECT CAST(coalesce(sum(amount), 0) AS text) FROM {entries} WHERE "
                         "account = '" +
                             name + "'"));
}

}  // namespace

TEST_CASE("at rest the ledger says what the gateway and the bank say") {
  std::string books;
  const bool agree = eventually(
      [&] {
        books = Town::get().gateway_get("/v1/books").body;
        return account("gateway") == figure(books, "refunded") - figure(books, "captured") &&
               account("bank") == figure(books, "paid_out") - figure(books, "deposited");
      },
      30s);
  CHECK_MESSAGE(agree, books);
  CHECK(rows("payments", "SELECT CAST(sum(amount) AS text) FROM {entries}") == "0");
}

TEST_CASE("the invariants hold") {
  std::vector<std::string> words{program("dropline"), "audit", "--patience", "30s"};
  for (const auto& flag : Shop::get().system().flags())
    words.push_back(flag);
  const auto whole = ended(words);
  CHECK_MESSAGE(whole.code == 0, whole.text);
  CHECK(whole.text.find(", 0 violations") != std::string::npos);
}

TEST_CASE("what was sold, counted again from the log, is what was counted live") {
  std::vector<std::string> words{program("dropline"), "audit", "rankings"};
  for (const auto& flag : Shop::get().system().flags())
    words.push_back(flag);
  const auto again = ended(words);
  CHECK_MESSAGE(again.code == 0, again.text);
  CHECK_MESSAGE(again.text.find(", 0 differ") != std::string::npos, again.text);
  CHECK(again.text.find("0 sales") != 0);
}

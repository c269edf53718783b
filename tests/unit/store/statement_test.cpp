#include <doctest/doctest.h>

#include "dropline/store/transaction.hpp"
#include "place.hpp"

namespace dropline::store {
namespace {

struct Desk {
  std::unique_ptr<Place> place = make_place();
  Session session = place->open();

  Desk() {
    place->make(
        "CREATE TABLE {due} (shard {int64} NOT NULL, id {uuid} NOT NULL, at {int64} NOT NULL,"
        " note {text}, done {boolean} NOT NULL, PRIMARY KEY (shard, id)) {strict}");
  }
  Statement statement(std::string_view sql) const {
    return {"the statement", place->service(), sql};
  }
};

Uuid id(std::uint8_t number) {
  Uuid uuid;
  uuid.bytes[0] = number;
  return uuid;
}

std::size_t add(Desk& desk, std::int64_t shard, std::uint8_t number, std::string_view note) {
  const auto done = change(desk.session,
                           desk.statement("INSERT INTO {due} (shard, id, at, note, done)"
                                          " VALUES (:shard, :id, :at, :note, :done)"),
                           Params()
                               .add("done", false)
                               .add("shard", shard)
                               .add("id", id(number))
                               .add("at", number)
                               .add("note", note));
  REQUIRE_DONE(done);
  return *done;
}

TEST_CASE("a hand-written statement takes named values, used as often as they stand there") {
  Desk desk;
  CHECK(add(desk, 1, 1, "a") == 1);
  CHECK(add(desk, 2, 2, "b:c ::d {e} 'f'") == 1);
  const auto rows = query(
      desk.session,
      desk.statement("SELECT id, note, done, at + :plus, ':plus {no}' -- :not {here}\n"
                     "FROM {due} WHERE at >= :plus AND at <= :plus + 5 ORDER BY id"),
      Params().add("plus", 1), {Type::uuid, Type::text, Type::boolean, Type::int64, Type::text});
  REQUIRE_DONE(rows);
  REQUIRE(rows->size() == 2);
  CHECK((*rows)[1].uuid(0) == id(2));
  CHECK((*rows)[1].text(1) == "b:c ::d {e} 'f'");
  CHECK_FALSE((*rows)[1].boolean(2));
  CHECK((*rows)[1].int64(3) == 3);
  CHECK((*rows)[1].text(4) == ":plus {no}");
}

TEST_CASE("lists of numbers, ids and texts can be asked for") {
  Desk desk;
  const std::string odd = "quo\"te \\ \n \x01 한";
  for (std::uint8_t i = 0; i < 10; ++i)
    add(desk, i, i, i == 7 ? odd : "n" + std::to_string(i));
  const std::vector<std::int64_t> shards = {3, 1, 99, 3};
  const auto by_shard =
      query(desk.session,
            desk.statement(
                "SELECT shard FROM {due} WHERE shard {any:shards:int64} ORDER BY 1 {for_update}"),
            Params().add_list("shards", shards), {Type::int64});
  REQUIRE_DONE(by_shard);
  REQUIRE(by_shard->size() == 2);
  CHECK((*by_shard)[1].int64(0) == 3);
  const std::vector<Uuid> ids = {id(5), id(6), id(77)};
  const auto by_id =
      query(desk.session, desk.statement("SELECT id FROM {due} WHERE id {any:ids:uuid} ORDER BY 1"),
            Params().add_list("ids", ids), {Type::uuid});
  REQUIRE_DONE(by_id);
  REQUIRE(by_id->size() == 2);
  CHECK(by_id->front().uuid(0) == id(5));
  const std::vector<std::string_view> notes = {odd, "n2", "nobody"};
  const auto by_note =
      query(desk.session,
            desk.statement("SELECT note FROM {due} WHERE note {any:notes:text} ORDER BY shard"),
            Params().add_list("notes", notes), {Type::text});
  REQUIRE_DONE(by_note);
  REQUIRE(by_note->size() == 2);
  CHECK((*by_note)[1].text(0) == odd);
  const auto none =
      query(desk.session, desk.statement("SELECT note FROM {due} WHERE note {any:notes:text}"),
            Params().add_list("notes", std::span<const std::string_view>()), {Type::text});
  REQUIRE_DONE(none);
  CHECK(none->empty());
}

TEST_CASE("a change tells how many rows it changed, and may answer rows") {
  Desk desk;
  for (std::uint8_t i = 0; i < 5; ++i)
    add(desk, i, i, "x");
  const Statement mark = desk.statement("UPDATE {due} SET done = :yes WHERE shard < :below");
  CHECK(*change(desk.session, mark, Params().add("yes", true).add("below", 3)) == 3);
  CHECK(*change(desk.session, mark, Params().add("yes", true).add("below", -3)) == 0);
  CHECK(*change(desk.session, desk.statement("SELECT 1"), {}) <= 1);
  const auto back = query(desk.session,
                          desk.statement("UPDATE {due} SET at = at + 1 WHERE shard = :s"
                                         " RETURNING shard, at"),
                          Params().add("s", 4), {Type::int64, Type::int64});
  REQUIRE_DONE(back);
  REQUIRE(back->size() == 1);
  CHECK(back->front().int64(1) == 5);
  const auto null = change(desk.session, desk.statement("UPDATE {due} SET note = :n"),
                           Params().add_null("n", Type::text));
  REQUIRE_DONE(null);
  CHECK(*null == 5);
  const auto total = query(desk.session, desk.statement("SELECT sum(at), max(note) FROM {due}"), {},
                           {Type::int64, Type::text});
  REQUIRE_DONE(total);
  CHECK(total->front().int64(0) == 11);
  CHECK(total->front().is_null(1));
}

TEST_CASE("sums are read exactly up to both ends of int64") {
  Desk desk;
  for (const std::int64_t value :
       {INT64_MIN, INT64_MIN + 1, std::int64_t{-10'000}, std::int64_t{0}, std::int64_t{9'999},
        std::int64_t{10'000}, std::int64_t{1'000'000'000'000}, INT64_MAX}) {
    const auto rows =
        query(desk.session, desk.statement("SELECT sum(x) FROM (SELECT :v AS x) AS s"),
              Params().add("v", value), {Type::int64});
    REQUIRE_DONE(rows);
    CHECK(rows->front().int64(0) == value);
  }
}

TEST_CASE("statements that make no sense are the program's fault, in every dialect alike") {
  Desk desk;
  const auto code = [&](std::string_view sql, const Params& params,
                        std::initializer_list<Type> types) {
    const auto rows = query(desk.session, desk.statement(sql), params, types);
    CHECK(rows.error().detail.find("the statement") != std::string::npos);
    return errc_of(rows);
  };
  CHECK(code("SELEKT 1", {}, {Type::int64}) == Errc::bad_statement);
  CHECK(code("SELECT 1 FROM {nothing}", {}, {Type::int64}) == Errc::bad_statement);
  CHECK(code("SELECT x FROM {due}", {}, {Type::int64}) == Errc::bad_statement);
  CHECK(code("SELECT :a", {}, {Type::int64}) == Errc::bad_statement);
  CHECK(code("SELECT 1", Params().add("b", 1), {Type::int64}) == Errc::bad_statement);
  CHECK(code("SELECT 1; SELECT 2", {}, {Type::int64}) == Errc::bad_statement);
  CHECK(code("SELECT {Due}", {}, {Type::int64}) == Errc::bad_statement);
  CHECK(code("SELECT {any:x:real}", {}, {Type::int64}) == Errc::bad_statement);
  CHECK(code("SELECT {due", {}, {Type::int64}) == Errc::bad_statement);
  CHECK(code("SELECT 1, 2", {}, {Type::int64}) == Errc::bad_statement);
  CHECK_FALSE(desk.session.broken());
  REQUIRE_DONE(desk.session.now());
}

TEST_CASE("an answer of another kind than asked for is an error, never a wrong value") {
  Desk desk;
  add(desk, 1, 1, "text");
  const auto note = desk.statement("SELECT note FROM {due}");
  CHECK(query(desk.session, note, {}, {Type::int64}).has_error());
  CHECK(query(desk.session, note, {}, {Type::boolean}).has_error());
  CHECK(query(desk.session, note, {}, {Type::uuid}).has_error());
  CHECK(query(desk.session, desk.statement("SELECT 1.5"), {}, {Type::int64}).has_error());
  CHECK(query(desk.session, desk.statement("SELECT 2"), {}, {Type::text}).has_error());
  CHECK_FALSE(desk.session.broken());
}

TEST_CASE("parts for one dialect are left out for the other") {
  Desk desk;
  const auto rows = query(desk.session, desk.statement(R"(
      SELECT
      -- only postgresql
        'postgresql'
      -- end
      -- only sqlite
        'sqlite'
      -- end
      )"),
                          {}, {Type::text});
  REQUIRE_DONE(rows);
  CHECK(rows->front().text(0) ==
        (desk.session.dialect() == Dialect::sqlite ? "sqlite" : "postgresql"));
}

}  // namespace
}  // namespace dropline::store

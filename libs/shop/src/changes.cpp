#include "changes.hpp"

#include "texts.hpp"

namespace dropline::shop {
namespace {

std::string change_json(const contracts::ChangeId& change, std::string_view outcome) {
  std::string body;
  contracts::JsonWriter out(body);
  out.open_object();
  out.name("change");
  out.plain(change.text());
  out.name("outcome");
  out.plain(outcome);
  out.close_object();
  return body;
}

}  // namespace

http::Response accepted(const contracts::ChangeId& change) {
  return http::json_response(202, change_json(change, "asked"));
}

void respond_answer(const http::ExchangePtr& exchange, const contracts::ChangeId& change,
                    const ChangeAnswer* answer) {
  if (!answer) {
    exchange->try_respond(accepted(change));
  } else if (answer->refused) {
    exchange->try_respond(problem(409, answer->reason,
                                  {"The change was refused", "변경이 거절되었습니다"},
                                  exchange->request().language())
                              .with("change", change.text())
                              .response());
  } else {
    exchange->try_respond(http::json_response(200, change_json(change, "done")));
  }
}

}  // namespace dropline::shop

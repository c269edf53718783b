#pragma once

#include <functional>

#include "dropline/base/time.hpp"
#include "dropline/contracts/json.hpp"
#include "dropline/http/exchange.hpp"

namespace dropline::shop {

/// Answers with a JSON object of what `fields` writes and `server_time`, under an ETag of the
/// fields alone; 304 where the caller has them already.
void respond_tagged(const http::ExchangePtr& exchange, Timestamp now,
                    const std::function<void(contracts::JsonWriter&)>& fields);

}  // namespace dropline::shop

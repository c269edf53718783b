#pragma once

#include <doctest/doctest.h>

#include "dropline/base/error.hpp"

/// Lets doctest print any Result: "a value", or the error's text.
template <class T>
struct doctest::StringMaker<dropline::Result<T>> {
  static doctest::String convert(const dropline::Result<T>& result) {
    return result ? "a value" : result.error().text().c_str();
  }
};

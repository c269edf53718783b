#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include "children.hpp"

int main(int argc, char** argv) {
  if (const auto code = dropline::stream::conformance::run_as_child(argc, argv)) return *code;
  return doctest::Context(argc, argv).run();
}

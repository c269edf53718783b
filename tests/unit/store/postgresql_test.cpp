#include <doctest/doctest.h>
namespace dropline::store {}

"""Each tidy check must find what it is there to find, and nothing else."""
import unittest

import layers_check
import sizes_check
import words_check

LAYERS = """support engine/support absl::status
trap engine/trap
runtime engine/runtime tidepool::support tidepool::trap
http daemon/http tidepool::runtime
app daemon/app tidepool::http
"""


class Layers(unittest.TestCase):
    allowed = layers_check.read_layers(LAYERS)

    def errors(self, relative, include):
        return layers_check.check_file(relative, f"#include {include}\n", self.allowed)

    def test_an_edge_in_deps_is_allowed(self):
        self.assertEqual(self.errors("engine/runtime/a.cc", '"engine/trap/b.h"'), [])

    def test_an_edge_not_in_deps_is_found(self):
        self.assertEqual(len(self.errors("engine/trap/a.cc", '"engine/runtime/b.h"')), 1)
        self.assertEqual(len(self.errors("daemon/http/a.cc", '"engine/support/b.h"')), 1)

    def test_third_party_headers_have_a_home(self):
        self.assertEqual(self.errors("daemon/http/a.cc", "<boost/beast/core.hpp>"), [])
        self.assertEqual(len(self.errors("engine/runtime/a.cc", "<boost/beast/core.hpp>")), 1)
        self.assertEqual(len(self.errors("daemon/http/a.cc", "<sqlite3.h>")), 1)

    def test_private_headers_and_tests_stay_out(self):
        self.assertEqual(self.errors("tests/engine/runtime/a.cc", '"engine/runtime/x_internal.h"'), [])
        self.assertEqual(len(self.errors("daemon/http/a.cc", '"engine/runtime/x_internal.h"')), 1)
        self.assertEqual(len(self.errors("engine/runtime/a.cc", '"tests/support/x.h"')), 1)

    def test_nothing_includes_the_composition_root(self):
        self.assertTrue(self.errors("daemon/http/a.cc", '"daemon/app/daemon.h"'))


class Sizes(unittest.TestCase):
    def test_long_files_need_a_reason(self):
        self.assertEqual(sizes_check.check_file("a/b.cc", 600, {}), [])
        self.assertEqual(len(sizes_check.check_file("a/b.cc", 601, {})), 1)
        self.assertEqual(sizes_check.check_file("a/b.cc", 601, {"a/b.cc": "why"}), [])
        self.assertEqual(len(sizes_check.check_file("a/b.cc", 601, {"a/b.cc": ""})), 1)
        self.assertEqual(len(sizes_check.check_file("a/b.h", 251, {})), 1)
        self.assertEqual(len(sizes_check.check_file("a/README.md", 151, {})), 1)


class Words(unittest.TestCase):
    def test_open_ends_are_found(self):
        self.assertEqual(len(words_check.check_file("engine/a.cc", "x\n// TODO later\n")), 1)
        self.assertEqual(words_check.check_file("engine/a.cc", "// to do: nothing\n"), [])


if __name__ == "__main__":
    unittest.main()

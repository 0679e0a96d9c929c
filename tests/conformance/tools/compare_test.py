"""What differs is told, what no two runs share is not."""

import unittest

from compare import comparable, differences
from steps import Step

STEP = Step("s", "topics", [])


def result(out, err="", status=0):
    return {"out": out, "err": err, "status": status}


class CompareTest(unittest.TestCase):
    """Named by what the two outputs have."""

    def test_same_but_for_ids_ports_and_columns(self):
        left = result("Topic: a\tTopicId: 3Zs0abcdefghijklmnopqr  x\n127.0.0.1:1 ok\n")
        right = result("Topic: a\tTopicId: AAAAAAAAAAAAAAAAAAAAAQ x\n127.0.0.1:22 ok")
        self.assertEqual(differences(STEP, left, right), [])

    def test_another_number(self):
        self.assertEqual(differences(STEP, result("lag 5"), result("lag 6")), ["- lag 5", "+ lag 6"])

    def test_another_status(self):
        self.assertEqual(differences(STEP, result(""), result("", status=1)), ["- exit status 0", "+ exit status 1"])

    def test_an_error_that_is_missing(self):
        self.assertEqual(differences(STEP, result("", "no topic"), result("")), ["- error: no topic"])

    def test_long_names_stay(self):
        self.assertEqual(comparable("org-apache-kafka-names\n", False), ["org-apache-kafka-names"])


if __name__ == "__main__":
    unittest.main()

// The checks of the kill test must be able to fail: each kind of damage is found.
package main

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
)

var few = place{"few", 0}

func prepared(t *testing.T, acknowledged ...entry) *killTest {
	ledger, err := newLedger(t.TempDir() + "/ledger")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range acknowledged {
		ledger.add(e)
	}
	return &killTest{ledger: ledger, sent: map[place]int64{few: 3}}
}

func TestMissingRecordIsFound(t *testing.T) {
	test := prepared(t, entry{few, 0, 0}, entry{few, 1, 1})
	if test.acknowledged(contents{few: {0, 1}}) != nil {
		t.Error("nothing is missing")
	}
	if test.acknowledged(contents{few: {0}}) == nil || test.acknowledged(contents{few: {1, 0}}) == nil || test.acknowledged(contents{}) == nil {
		t.Error("an acknowledged record that is not at its offset passes")
	}
}

func TestDuplicateGapAndDisorderAreFound(t *testing.T) {
	test := prepared(t)
	if err := test.ordered(contents{few: {0, 1, 2}}); err != nil {
		t.Error(err)
	}
	for _, bad := range [][]int64{{0, 1, 1, 2}, {0, 2, 1}, {0, 1}, {0, 1, 2, 3}} {
		if test.ordered(contents{few: bad}) == nil {
			t.Errorf("%v passes", bad)
		}
	}
	one := place{"one", 0}
	if grows(one, []int64{0, 1, 0, 1, 2}) != nil || grows(one, []int64{0, 2}) == nil {
		t.Error("a batch sent again is no gap, a skipped record is")
	}
}

func TestAlteredValueAndOffsetGapAreFound(t *testing.T) {
	record := func(offset, sequence int64) *kgo.Record {
		return &kgo.Record{Topic: few.topic, Partition: few.partition, Offset: offset, Value: value(few, sequence)}
	}
	found := contents{}
	if err := found.add(record(0, 0)); err != nil {
		t.Error(err)
	}
	if found.add(record(2, 1)) == nil {
		t.Error("an offset gap passes")
	}
	altered := record(1, 1)
	altered.Value[len(altered.Value)-1] ^= 1
	if _, err := sequenceOf(altered); err == nil {
		t.Error("an altered value passes")
	}
}

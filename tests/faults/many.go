// What many groups cost over the wire: the time of a commit, the time to be ready after a restart, memory. Figures for people; what is
// checked is that no commit is lost.
package main

import (
	"context"
	"fmt"
	"net"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	manyTopic      = "many"
	offsetsEach    = 10
	commitsTimed   = 5000
	committersEach = 8
)

type manyTest struct {
	hostileTest
}

func many(b *broker, r *report) error {
	t := &manyTest{hostileTest{broker: b, report: r, ctx: context.Background()}}
	if _, err := b.start(); err != nil {
		return err
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(b.address()))
	if err != nil {
		return err
	}
	defer client.Close()
	if _, err := kadm.NewClient(client).CreateTopic(t.ctx, offsetsEach, 1, nil, manyTopic); err != nil {
		return err
	}
	if err := t.coordinators(); err != nil {
		return err
	}
	few, count := 10, number("GROUPS", 10_000)
	if err := t.commitAll(few, 1); err != nil {
		return err
	}
	before, err := t.times(few)
	if err != nil {
		return err
	}
	small, err := b.residentMiB()
	if err != nil {
		return err
	}
	if err := t.commitAll(count, 1); err != nil {
		return err
	}
	after, err := t.times(count)
	if err != nil {
		return err
	}
	large, err := b.residentMiB()
	if err != nil {
		return err
	}
	fmt.Printf("     a commit of %d offsets with %d groups: %s\n", offsetsEach, few, before)
	fmt.Printf("     a commit of %d offsets with %d groups: %s\n", offsetsEach, count, after)
	fmt.Printf("     %d MiB resident with %d groups, %d MiB with %d\n", small, few, large, count)
	if err := t.commitAll(count, 2); err != nil {
		return err
	}
	if err := b.kill(); err != nil {
		return err
	}
	began := time.Now()
	if _, err := b.start(); err != nil {
		return err
	}
	started := time.Since(began)
	r.check(fmt.Sprintf("no offset of %d groups is lost", count), t.allThere(count, 2))
	fmt.Printf("     started again in %v, all offsets of all groups read after %v\n", started.Round(time.Millisecond), time.Since(began).Round(time.Millisecond))
	return nil
}

func groupName(index int) string { return fmt.Sprint("group-", index) }

func commitOf(group string, offset int64) *kmsg.OffsetCommitRequest {
	commit := kmsg.NewPtrOffsetCommitRequest()
	commit.Group = group
	topic := kmsg.NewOffsetCommitRequestTopic()
	topic.Topic = manyTopic
	for index := range offsetsEach {
		partition := kmsg.NewOffsetCommitRequestTopicPartition()
		partition.Partition, partition.Offset = int32(index), offset
		topic.Partitions = append(topic.Partitions, partition)
	}
	commit.Topics = append(commit.Topics, topic)
	return commit
}

func (t *manyTest) commit(connection net.Conn, group string, offset int64) error {
	answer, err := ask(connection, commitOf(group, offset), 8)
	if err != nil {
		return err
	}
	for _, partition := range answer.(*kmsg.OffsetCommitResponse).Topics[0].Partitions {
		if partition.ErrorCode != 0 {
			return fmt.Errorf("%s: %w", group, refused(partition.ErrorCode))
		}
	}
	return nil
}

// Every group commits once.
func (t *manyTest) commitAll(count int, offset int64) error {
	end, err := t.open(committersEach, func(worker int, connection net.Conn) error {
		for index := worker; index < count; index += committersEach {
			if err := t.commit(connection, groupName(index), offset); err != nil {
				return err
			}
		}
		return nil
	})
	end()
	return err
}

// How long commits take, one after the other, of groups in turn.
func (t *manyTest) times(count int) (string, error) {
	connection, err := t.dial()
	if err != nil {
		return "", err
	}
	defer connection.Close()
	times := make([]time.Duration, 0, commitsTimed)
	for index := range commitsTimed {
		began := time.Now()
		if err := t.commit(connection, groupName(index*7919%count), 1); err != nil {
			return "", err
		}
		times = append(times, time.Since(began))
	}
	slices.Sort(times)
	at := func(per1000 int) time.Duration { return times[len(times)*per1000/1000].Round(time.Microsecond) }
	return fmt.Sprintf("p50 %v, p99 %v, p99.9 %v", at(500), at(990), at(999)), nil
}

// Every offset of every group is what was committed last.
func (t *manyTest) allThere(count int, offset int64) error {
	connection, err := t.dial()
	if err != nil {
		return err
	}
	defer connection.Close()
	for first := 0; first < count; first += 500 {
		fetch := kmsg.NewPtrOffsetFetchRequest()
		for index := first; index < min(first+500, count); index++ {
			group := kmsg.NewOffsetFetchRequestGroup()
			group.Group = groupName(index)
			fetch.Groups = append(fetch.Groups, group)
		}
		answer, err := t.fetchLoaded(connection, fetch)
		if err != nil {
			return err
		}
		for _, group := range answer.Groups {
			if len(group.Topics) != 1 || len(group.Topics[0].Partitions) != offsetsEach {
				return fmt.Errorf("%s has lost offsets", group.Group)
			}
			for _, partition := range group.Topics[0].Partitions {
				if partition.Offset != offset {
					return fmt.Errorf("%s: offset %d, committed %d", group.Group, partition.Offset, offset)
				}
			}
		}
	}
	return nil
}

// Asks until all coordinators have loaded.
func (t *manyTest) fetchLoaded(connection net.Conn, fetch *kmsg.OffsetFetchRequest) (*kmsg.OffsetFetchResponse, error) {
	for began := time.Now(); time.Since(began) < answerPatience; time.Sleep(5 * time.Millisecond) {
		answer, err := ask(connection, fetch, 8)
		if err != nil {
			return nil, err
		}
		fetched := answer.(*kmsg.OffsetFetchResponse)
		if !slices.ContainsFunc(fetched.Groups, func(group kmsg.OffsetFetchResponseGroup) bool { return group.ErrorCode != 0 }) {
			return fetched, nil
		}
	}
	return nil, fmt.Errorf("coordinators have not loaded within %v", answerPatience)
}

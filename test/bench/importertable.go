package main

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// memoryTable is an in-memory DynamoDB table with the limits of batches: at most 25 writes,
// no duplicate keys, some writes left unprocessed, some batches throttled. It stores only
// keys and sizes, and counts write units as they are billed: one for each KiB, or part of a
// KiB, that is written or deleted.
type memoryTable struct {
	mu     sync.Mutex
	feeds  map[string]map[string]types.AttributeValue // in the partition #feed
	sizes  map[string]int
	counts tableCounts
	calls  int
}

type tableCounts struct{ rows, batches, refused, units int }

func newMemoryTable() *memoryTable {
	return &memoryTable{feeds: map[string]map[string]types.AttributeValue{}, sizes: map[string]int{}}
}

func (m *memoryTable) rows() int { return len(m.sizes) }

const (
	feedRows      = "#feed"
	maxBatchItems = 25
	unitBytes     = 1024
	// One in this many batches is left partly unprocessed, and one in this many is
	// throttled.
	leaveEvery    = 401
	throttleEvery = 1009
)

func text(value types.AttributeValue) string {
	s, _ := value.(*types.AttributeValueMemberS)
	if s == nil {
		return ""
	}
	return s.Value
}

func keyOf(item map[string]types.AttributeValue) string {
	return text(item["name"]) + "\x00" + text(item["entry"])
}

// sizeOf returns the size of an item by DynamoDB's rules: names and values.
func sizeOf(item map[string]types.AttributeValue) (size int) {
	for name, value := range item {
		size += len(name)
		switch v := value.(type) {
		case *types.AttributeValueMemberS:
			size += len(v.Value)
		case *types.AttributeValueMemberN:
			size += len(v.Value)/2 + 1
		}
	}
	return size
}

func units(size int) int { return max(1, (size+unitBytes-1)/unitBytes) }

func (m *memoryTable) BatchWriteItem(
	_ context.Context, in *dynamodb.BatchWriteItemInput, _ ...func(*dynamodb.Options),
) (*dynamodb.BatchWriteItemOutput, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	writes := in.RequestItems["bench"]
	if len(writes) == 0 || len(writes) > maxBatchItems {
		return nil, fmt.Errorf("a batch of %d items", len(writes))
	}
	seen := map[string]bool{}
	for _, write := range writes {
		key := keyOf(writtenBy(write))
		if seen[key] {
			return nil, errors.New("provided list of item keys contains duplicates")
		}
		seen[key] = true
	}
	m.calls++
	m.counts.batches++
	out := &dynamodb.BatchWriteItemOutput{UnprocessedItems: map[string][]types.WriteRequest{}}
	switch {
	case m.calls%throttleEvery == 0:
		m.counts.refused++
		return nil, &types.ProvisionedThroughputExceededException{Message: aws.String("slow down")}
	case m.calls%leaveEvery == 0:
		m.counts.refused++
		half := (len(writes) + 1) / 2
		out.UnprocessedItems["bench"] = writes[half:]
		writes = writes[:half]
	}
	for _, write := range writes {
		m.write(write)
	}
	return out, nil
}

func writtenBy(write types.WriteRequest) map[string]types.AttributeValue {
	if write.DeleteRequest != nil {
		return write.DeleteRequest.Key
	}
	return write.PutRequest.Item
}

func (m *memoryTable) write(write types.WriteRequest) {
	item := writtenBy(write)
	key := keyOf(item)
	m.counts.rows++
	if write.DeleteRequest != nil {
		m.counts.units += units(m.sizes[key])
		delete(m.sizes, key)
		return
	}
	size := sizeOf(item)
	m.counts.units += units(max(size, m.sizes[key]))
	m.sizes[key] = size
}

func (m *memoryTable) GetItem(
	_ context.Context, in *dynamodb.GetItemInput, _ ...func(*dynamodb.Options),
) (*dynamodb.GetItemOutput, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return &dynamodb.GetItemOutput{Item: m.feeds[text(in.Key["entry"])]}, nil
}

// PutItem stores a feed row if its revision is the previous one.
func (m *memoryTable) PutItem(
	_ context.Context, in *dynamodb.PutItemInput, _ ...func(*dynamodb.Options),
) (*dynamodb.PutItemOutput, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	id := text(in.Item["entry"])
	if want := in.ExpressionAttributeValues[":revision"]; want != nil {
		stored, _ := m.feeds[id]["revision"].(*types.AttributeValueMemberN)
		if stored == nil || stored.Value != want.(*types.AttributeValueMemberN).Value {
			return nil, &types.ConditionalCheckFailedException{}
		}
	}
	m.counts.units += units(sizeOf(in.Item))
	m.feeds[id] = in.Item
	return &dynamodb.PutItemOutput{}, nil
}

func (m *memoryTable) DeleteItem(
	_ context.Context, in *dynamodb.DeleteItemInput, _ ...func(*dynamodb.Options),
) (*dynamodb.DeleteItemOutput, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.feeds, text(in.Key["entry"]))
	return &dynamodb.DeleteItemOutput{}, nil
}

func (m *memoryTable) Query(
	_ context.Context, in *dynamodb.QueryInput, _ ...func(*dynamodb.Options),
) (*dynamodb.QueryOutput, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := &dynamodb.QueryOutput{}
	if text(in.ExpressionAttributeValues[":partition"]) != feedRows {
		return nil, errors.New("a query of another partition")
	}
	for _, row := range m.feeds {
		out.Items = append(out.Items, row)
	}
	return out, nil
}

// Scan finds the manual edits; there are none.
func (m *memoryTable) Scan(
	context.Context, *dynamodb.ScanInput, ...func(*dynamodb.Options),
) (*dynamodb.ScanOutput, error) {
	return &dynamodb.ScanOutput{}, nil
}

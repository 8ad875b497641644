package heap

func init() { RecordAll() }

"""Names and types of fields, checks of them, labels as documents, bulk writes; one door to FiftyOne's private API."""

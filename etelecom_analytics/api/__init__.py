"""From the API to typed tables: wire (thinks), paging (follows cursors), client (connects), fetch (brings it together)."""

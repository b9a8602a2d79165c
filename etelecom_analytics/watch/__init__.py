"""Rules for the days of an archive, the log of their alarms, and how alarms are passed on."""

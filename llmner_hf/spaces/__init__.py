"""What runs on the Hub: the demo, and the page of the metric."""

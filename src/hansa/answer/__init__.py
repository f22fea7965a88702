"""One request becomes one stream: admit, plan, try, close."""

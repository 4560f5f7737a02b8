"""A network's backpropagation as algebra."""

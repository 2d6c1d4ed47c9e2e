"""The study of machine sentiment against human ratings, sentence by sentence."""
